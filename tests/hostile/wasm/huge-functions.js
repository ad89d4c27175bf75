// attack: a module of a hundred thousand functions
// expect: loads | problem E1202 | problem E1204 | problem E1206
// several: a quick machine loads it within the limits
// limits: load = "2s"
// make: attack.wasm = "\x00asm\x01\x00\x00\x00\x01\x04\x01`\x00\x00\x03\xa3\x8d\x06\xa0\x8d\x06" + "\x00" * 100000
// make: attack.wasm = "\x0a\xe3\xa7\x12\xa0\x8d\x06" + "\x02\x00\x0b" * 100000
import module from "./attack.wasm";
export default () => "ok";
