// attack: an endless loop in the start function of a module that is made behind a promise
// expect: cpu limit E2101
// make: attack.wasm = "\x00asm\x01\x00\x00\x00\x01\x04\x01`\x00\x00\x03\x02\x01\x00\x08\x01\x00\x0a\x09\x01\x07\x00\x03@\x0c\x00\x0b\x0b"
import module from "./attack.wasm";
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  await WebAssembly.instantiate(module);
}
