// attack: globals that belong to the runtime, to Node or to shared memory
// expect: done
// result: ""
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const names = [
    "Deno", "__bootstrap", "bootstrap", "process", "require", "module", "exports", "global", "Bun", "Buffer", "core", "ops",
    "internals", "SharedArrayBuffer", "ShadowRealm", "Worker", "importScripts", "document", "window", "XMLHttpRequest",
    "WebSocket", "EventSource", "localStorage", "gc", "d8", "load", "read", "quit", "print", "load_wasm", "primordials",
  ];
  const found = names.filter((name) => name in globalThis || typeof globalThis[name] !== "undefined");
  if (globalThis.Atomics?.wait) found.push("Atomics.wait");
  if (globalThis.Atomics?.waitAsync) found.push("Atomics.waitAsync");
  return found.join();
}
