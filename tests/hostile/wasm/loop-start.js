// attack: an endless loop in the start function of a module
// expect: cpu limit E2101
// make: attack.wasm = "\x00asm\x01\x00\x00\x00\x01\x04\x01`\x00\x00\x03\x02\x01\x00\x08\x01\x00\x0a\x09\x01\x07\x00\x03@\x0c\x00\x0b\x0b"
import module from "./attack.wasm";
export default function (record) {
  if (record.text() !== "attack") return "ok";
  new WebAssembly.Instance(module);
}
