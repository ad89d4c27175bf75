// attack: many instances that each grow their memory from within to what a single one may have
// expect: memory limit E2103 | failed E2001 | done
// result: "bounded"
// several: growing may be refused, or all together be too much
// limits: cpu = "5s"
// limits: external = "32MiB"
// make: attack.wasm = "\x00asm\x01\x00\x00\x00\x01\x06\x01`\x01\x7f\x01\x7f\x03\x02\x01\x00\x05\x03\x01\x00\x01\x07\x11\x02\x06memory\x02\x00\x04grow\x00\x00\x0a\x08\x01\x06\x00 \x00@\x00\x0b"
import module from "./attack.wasm";
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  try {
    for (let i = 0; i < 100; i++) {
      const { memory, grow } = new WebAssembly.Instance(module).exports;
      while (grow(16) !== -1);
      new Uint8Array(memory.buffer).fill(1);
      all.push(memory);
    }
  } catch { }
  const bytes = all.reduce((sum, memory) => sum + memory.buffer.byteLength, 0);
  return bytes <= 64 << 20 ? "bounded" : "grown to " + bytes;
}
