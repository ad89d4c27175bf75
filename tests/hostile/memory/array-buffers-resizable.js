// attack: resizable ArrayBuffers, which the allocator is not asked for
// expect: memory limit E2103 | failed E2001
// both: they may be refused altogether
// limits: cpu = "5s"
// limits: wall = "10s"
// limits: external = "32MiB"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  for (;;) {
    const buffer = new ArrayBuffer(1, { maxByteLength: 64 << 20 });
    buffer.resize(64 << 20);
    new Uint8Array(buffer).fill(1);
    all.push(buffer);
  }
}
