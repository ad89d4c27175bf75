// attack: structuredClone of buffers
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
// limits: external = "32MiB"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const buffer = new Uint8Array(4 << 20);
  const all = [];
  for (;;) all.push(structuredClone(buffer));
}
