// attack: recursion that changes between WebAssembly and JavaScript, to the end of the stack
// expect: failed E2001
// make: attack.wasm = "\x00asm\x01\x00\x00\x00\x01\x04\x01`\x00\x00\x02\x0d\x01\x04host\x04call\x00\x00\x03\x02\x01\x00\x07\x07\x01\x03run\x00\x01\x0a\x0b\x01\x09\x00\x03@\x10\x00\x0c\x00\x0b\x0b"
import module from "./attack.wasm";
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const { run } = new WebAssembly.Instance(module, { host: { call: () => run() } }).exports;
  run();
}
