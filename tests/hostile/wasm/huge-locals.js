// attack: two thousand functions with fifty thousand variables each
// expect: loads | problem E1202 | problem E1204 | problem E1206
// several: a quick machine loads it within the limits
// limits: load = "2s"
// make: attack.wasm = "\x00asm\x01\x00\x00\x00\x01\x04\x01`\x00\x00\x03\xd2\x0f\xd0\x0f" + "\x00" * 2000
// make: attack.wasm = "\x0a\xb2m\xd0\x0f" + "\x06\x01\xd0\x86\x03\x7f\x0b" * 2000
import module from "./attack.wasm";
export default () => "ok";
