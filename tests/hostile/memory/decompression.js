// attack: a compressed bomb: megabytes of zeros that come out of kilobytes
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
// limits: external = "32MiB"
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const zeros = new ReadableStream({ pull(controller) { controller.enqueue(new Uint8Array(1 << 16)); } });
  const reader = zeros.pipeThrough(new CompressionStream("gzip")).pipeThrough(new DecompressionStream("gzip")).getReader();
  const all = [];
  for (;;) all.push((await reader.read()).value);
}
