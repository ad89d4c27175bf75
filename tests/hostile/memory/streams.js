// attack: a stream that takes chunks faster than anybody reads them
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
// limits: external = "32MiB"
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  let fill;
  new ReadableStream({ start(controller) { fill = controller; } });
  for (;;) {
    fill.enqueue(new Uint8Array(1 << 20));
    await null;
  }
}
