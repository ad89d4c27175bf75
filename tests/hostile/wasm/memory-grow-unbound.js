// attack: the own `grow` of memories, taken from the prototype of one that a module has made
// expect: done | memory limit E2103
// result: "clamped"
// both: growing may be refused or end the record
// limits: cpu = "5s"
// limits: external = "32MiB"
// make: attack.wasm = "\x00asm\x01\x00\x00\x00\x01\x06\x01`\x01\x7f\x01\x7f\x03\x02\x01\x00\x05\x03\x01\x00\x01\x07\x11\x02\x06memory\x02\x00\x04grow\x00\x00\x0a\x08\x01\x06\x00 \x00@\x00\x0b"
import module from "./attack.wasm";
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const { memory } = new WebAssembly.Instance(module).exports;
  const kinds = [Object.getPrototypeOf(memory), WebAssembly.Memory?.prototype].filter(Boolean);
  let largest = 0;
  for (const kind of kinds) {
    try {
      for (;;) {
        Reflect.apply(kind.grow, memory, [16]);
        new Uint8Array(memory.buffer).fill(1);
        if (memory.buffer.byteLength > 256 << 20) break;
      }
    } catch { }
    try { new kind.constructor({ initial: 4096 }); largest = 1 << 30; } catch { }
    largest = Math.max(largest, memory.buffer.byteLength);
  }
  return largest <= 32 << 20 ? "clamped" : "grown";
}
