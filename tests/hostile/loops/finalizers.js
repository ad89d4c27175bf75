// attack: finalizers that never come back, run when the engine finds time for them
// expect: done
// result: "left"
const registry = new FinalizationRegistry(() => { for (;;); });
export default function (record) {
  if (record.text() !== "attack") return "ok";
  for (let i = 0; i < 1000; i++) registry.register({}, i);
  for (let i = 0; i < 100_000; i++) new Array(10);
  return "left";
}
