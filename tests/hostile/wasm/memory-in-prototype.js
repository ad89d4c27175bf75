// attack: memories made within the making of memories, so that each is measured before any is there
// expect: memory limit E2103 | failed E2001 | done
// result: "bounded"
// several: each may be refused as an exception, or all together be too much
// limits: cpu = "5s"
// limits: external = "32MiB"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  const deeper = (left) => {
    if (left === 0) return;
    const target = function () {};
    Object.defineProperty(target, "prototype", { get() { deeper(left - 1); return WebAssembly.Memory.prototype; } });
    const bound = target.bind();
    Object.defineProperty(bound, "prototype", { get() { deeper(left - 1); return WebAssembly.Memory.prototype; } });
    const memory = Reflect.construct(WebAssembly.Memory, [{ initial: 400 }], bound);
    new Uint8Array(memory.buffer).fill(1);
    all.push(memory);
  };
  try { deeper(100); } catch { }
  const bytes = all.reduce((sum, memory) => sum + memory.buffer.byteLength, 0);
  return bytes <= 64 << 20 ? "bounded" : "grown to " + bytes;
}
