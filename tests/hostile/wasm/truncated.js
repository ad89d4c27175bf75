// attack: a module that ends in the middle of a length
// expect: problem E1207
// make: attack.wasm = "\x00asm\x01\x00\x00\x00\x0a\xff\xff\xff\xff\x0f\x80"
import module from "./attack.wasm";
export default () => String(module);
