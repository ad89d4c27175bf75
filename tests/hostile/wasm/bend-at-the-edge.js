// attack: `WebAssembly` looked at for the first time at the very end of the stack, so that it is only bent in part
// expect: done
// result: "refused"
// make: attack.wasm = "\x00asm\x01\x00\x00\x00\x01\x04\x01`\x00\x00\x03\x02\x01\x00\x07\x07\x01\x03run\x00\x00\x0a\x05\x01\x03\x00\x00\x0b"
import module from "./attack.wasm";
export default function (record) {
  if (record.text() !== "attack") return "ok";
  let half;
  const edge = () => {
    try { edge(); } catch { }
    try { half ??= globalThis.WebAssembly; } catch { }
  };
  edge();
  const bytes = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
  for (const wasm of [half, globalThis.WebAssembly, Object.getOwnPropertyDescriptor(globalThis, "WebAssembly")?.value]) {
    try { new wasm.Module(bytes); return "compiled"; } catch { }
    try { new wasm.Memory({ initial: 1, maximum: 1, shared: true }); return "shared"; } catch { }
    if (wasm && "Suspending" in wasm) return "suspending";
  }
  return module ? "refused" : "none";
}
