// attack: a module that asks for a shared memory
// expect: problem E1207 | problem E1204 | problem E1205 | problem E1206 | failed E2001
// several: it may be refused when it is loaded, or when the memory is made
// make: attack.wasm = "\x00asm\x01\x00\x00\x00\x02\x11\x01\x04host\x06memory\x02\x03\x01\x01"
import module from "./attack.wasm";
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  return new WebAssembly.Instance(module, { host: { memory } }) && memory.buffer.constructor.name;
}
