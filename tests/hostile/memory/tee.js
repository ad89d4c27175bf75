// attack: a stream that is split again and again, and of which only one branch is read
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
// limits: external = "32MiB"
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  let stream = new ReadableStream({ pull(controller) { controller.enqueue(new Uint8Array(1 << 16)); } });
  const kept = [];
  for (let i = 0; i < 20; i++) {
    const [one, other] = stream.tee();
    kept.push(one);
    stream = other;
  }
  for await (const chunk of stream) if (chunk.length === 0) return kept;
}
