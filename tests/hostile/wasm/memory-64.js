// attack: a module that declares a memory of 64 gibibytes with addresses of 64 bits
// expect: problem E1207 | problem E1204 | problem E1206 | failed E2001 | memory limit E2103
// several: it may be refused when it is loaded, or when an instance is made
// limits: cpu = "5s"
// limits: external = "32MiB"
// make: attack.wasm = "\x00asm\x01\x00\x00\x00\x05\x05\x01\x04\x80\x80@\x07\x0a\x01\x06memory\x02\x00"
import module from "./attack.wasm";
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return String(new WebAssembly.Instance(module).exports.memory.buffer.byteLength);
}
