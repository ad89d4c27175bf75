// attack: an endless loop in the start function of a module, while the function is loaded
// expect: problem E1206
// limits: load = "300ms"
// make: attack.wasm = "\x00asm\x01\x00\x00\x00\x01\x04\x01`\x00\x00\x03\x02\x01\x00\x08\x01\x00\x0a\x09\x01\x07\x00\x03@\x0c\x00\x0b\x0b"
import module from "./attack.wasm";
new WebAssembly.Instance(module);
export default () => "ok";
