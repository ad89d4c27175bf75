// attack: compressing the same megabytes for ever, in code that is not the engine's
// expect: cpu limit E2101
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const chunk = crypto.getRandomValues(new Uint8Array(65_536));
  const source = new ReadableStream({ pull(controller) { controller.enqueue(chunk); } });
  await source.pipeThrough(new CompressionStream("gzip")).pipeTo(new WritableStream());
}
