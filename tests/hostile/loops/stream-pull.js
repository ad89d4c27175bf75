// attack: a stream that is read and never has anything, in promise reactions of the runtime's own
// expect: cpu limit E2101
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const empty = new ReadableStream({ pull(controller) { controller.enqueue(new Uint8Array(1)); } });
  await empty.pipeThrough(new TransformStream({ transform() {} })).pipeTo(new WritableStream());
}
