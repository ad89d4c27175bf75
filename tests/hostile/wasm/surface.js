// attack: parts of WebAssembly that nobody counts: suspended stacks, strings, functions from bytes
// expect: done
// result: ""
// make: attack.wasm = "\x00asm\x01\x00\x00\x00\x01\x04\x01`\x00\x00\x03\x02\x01\x00\x07\x07\x01\x03run\x00\x00\x0a\x05\x01\x03\x00\x00\x0b"
import module from "./attack.wasm";
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const found = ["promising", "Suspending", "SuspendError", "Function", "namespaceof"].filter((name) => name in WebAssembly);
  const own = [Object.getPrototypeOf(module).constructor, module.constructor, WebAssembly.Module];
  for (const make of own) try { new make(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])); found.push("bytes"); } catch { }
  const memory = new WebAssembly.Memory({ initial: 1 });
  for (const name of ["toResizableBuffer", "toFixedLengthBuffer", "type"]) if (name in memory) found.push(name);
  try { new memory.constructor({ initial: 1, maximum: 1, shared: true }); found.push("shared"); } catch { }
  try { if (memory.buffer.resizable) found.push("resizable"); memory.buffer.transfer(); found.push("transfer"); } catch { }
  return found.join();
}
