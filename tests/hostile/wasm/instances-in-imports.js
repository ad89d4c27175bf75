// attack: instances made within the reading of the imports of instances, so that each is measured before any is there
// expect: memory limit E2103 | failed E2001 | done
// result: "bounded"
// several: each may be refused as an exception, or all together be too much
// limits: cpu = "5s"
// limits: external = "32MiB"
// make: attack.wasm = "\x00asm\x01\x00\x00\x00\x01\x06\x01`\x01\x7f\x01\x7f\x02\x0f\x01\x04host\x05value\x03\x7f\x00\x03\x02\x01\x00\x05\x04\x01\x00\x90\x03\x07\x11\x02\x06memory\x02\x00\x04grow\x00\x00\x0a\x08\x01\x06\x00 \x00@\x00\x0b"
import module from "./attack.wasm";
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  const deeper = (left) => {
    if (left === 0) return;
    const instance = new WebAssembly.Instance(module, { get host() { deeper(left - 1); return { value: 1 }; } });
    new Uint8Array(instance.exports.memory.buffer).fill(1);
    all.push(instance.exports.memory);
  };
  try { deeper(100); } catch { }
  const bytes = all.reduce((sum, memory) => sum + memory.buffer.byteLength, 0);
  return bytes <= 64 << 20 ? "bounded" : "grown to " + bytes;
}
