// attack: Blobs without end, whose bytes may lie outside of the heap
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
// limits: external = "32MiB"
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  const part = new Uint8Array(1 << 20).fill(1);
  for (;;) {
    const blob = new Blob([part, part, "x"]);
    all.push(blob, blob.slice(1), new File([blob], "name"));
    await null;
  }
}
