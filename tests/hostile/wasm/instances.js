// attack: instances without end, each with a memory of its own
// expect: memory limit E2103 | failed E2001
// both: a memory may be refused as an exception
// limits: cpu = "5s"
// limits: external = "32MiB"
// make: attack.wasm = "\x00asm\x01\x00\x00\x00\x01\x06\x01`\x01\x7f\x01\x7f\x03\x02\x01\x00\x05\x03\x01\x00\x01\x07\x11\x02\x06memory\x02\x00\x04grow\x00\x00\x0a\x08\x01\x06\x00 \x00@\x00\x0b"
import module from "./attack.wasm";
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  for (;;) {
    const instance = new WebAssembly.Instance(module);
    new Uint8Array(instance.exports.memory.buffer).fill(1);
    all.push(instance);
  }
}
