// attack: a module that declares a shared memory
// expect: problem E1207 | problem E1204 | problem E1205 | problem E1206 | failed E2001
// several: it may be refused when it is loaded, or when an instance is made
// make: attack.wasm = "\x00asm\x01\x00\x00\x00\x05\x04\x01\x03\x01\x01\x07\x0a\x01\x06memory\x02\x00"
import module from "./attack.wasm";
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return new WebAssembly.Instance(module).exports.memory.buffer.constructor.name;
}
