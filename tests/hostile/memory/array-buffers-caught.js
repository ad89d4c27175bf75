// attack: ArrayBuffers without end, with each refusal caught
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
// limits: external = "32MiB"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  for (;;) {
    try {
      all.push(new Uint8Array(1 << 20).fill(1));
    } catch {
      continue;
    }
  }
}
