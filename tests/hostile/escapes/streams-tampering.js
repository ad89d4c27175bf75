// attack: prototypes of streams, bodies and requests bent to catch what the runtime hands around
// expect: done
// result: ""
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const caught = new Set();
  const look = (name, values) => {
    for (const value of values) {
      if (typeof value === "function" && /^op_/.test(value.name)) caught.add(name);
      if (typeof value !== "object" || value === null) continue;
      for (const key of ["headerList", "urlList", "streamOrStatic", "ops", "core", "call", "fail", "rid"]) if (Object.hasOwn(value, key)) caught.add(`${name} ${key}`);
    }
  };
  const undo = [];
  for (const kind of [ReadableStream, ReadableStreamDefaultReader, ReadableStreamDefaultController, ReadableByteStreamController, WritableStream, WritableStreamDefaultWriter, TransformStream, Headers, Request, Response, Blob, FormData, AbortSignal, EventTarget, URL]) {
    for (const key of Reflect.ownKeys(kind.prototype)) {
      const descriptor = Object.getOwnPropertyDescriptor(kind.prototype, key);
      if (!descriptor.configurable || typeof descriptor.value !== "function" || key === "constructor") continue;
      undo.push([kind.prototype, key, descriptor]);
      const original = descriptor.value;
      Object.defineProperty(kind.prototype, key, { ...descriptor, value: function (...all) { look(`${kind.name}.${String(key)}`, [this, ...all]); return Reflect.apply(original, this, all); } });
    }
  }
  for (const key of ["body", "type", "url", "status", "start", "pull", "cancel", "signal", "headers", "method", "controller", "done", "id", "length"]) {
    Object.defineProperty(Object.prototype, key, { configurable: true, set(value) { look(key, [this, value]); Object.defineProperty(this, key, { value, writable: true, configurable: true, enumerable: true }); } });
    undo.push([Object.prototype, key]);
  }
  try {
    await fetch("http://$CANARY/").catch(() => {});
    await new Response(new Blob(["x"])).text();
    await new Request("http://example.com/", { method: "POST", body: "x" }).bytes();
    await new Response(new Blob(["x".repeat(1000)]).stream().pipeThrough(new CompressionStream("gzip"))).bytes();
  } catch { } finally {
    for (const [target, key, descriptor] of undo) if (descriptor) Object.defineProperty(target, key, descriptor); else delete target[key];
  }
  return [...caught].join();
}
