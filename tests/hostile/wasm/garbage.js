// attack: a file that is no module of WebAssembly
// expect: problem E1207
// make: attack.wasm = "\x00asm\x01\x00\x00\x00" + "\xff" * 1000
import module from "./attack.wasm";
export default () => String(module);
