// attack: recursion without end in WebAssembly
// expect: failed E2001
// make: attack.wasm = "\x00asm\x01\x00\x00\x00\x01\x04\x01`\x00\x00\x03\x02\x01\x00\x07\x07\x01\x03run\x00\x00\x0a\x06\x01\x04\x00\x10\x00\x0b"
import module from "./attack.wasm";
export default function (record) {
  if (record.text() !== "attack") return "ok";
  new WebAssembly.Instance(module).exports.run();
}
