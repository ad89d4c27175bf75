// attack: bytes that TextEncoder makes outside of the allocator
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
// limits: external = "32MiB"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const encoder = new TextEncoder();
  const text = "x".repeat(1 << 20);
  const all = [];
  for (;;) all.push(encoder.encode(text));
}
