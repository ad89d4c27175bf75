// attack: structuredClone of a value nested a hundred thousand times over
// expect: failed E2001
// limits: cpu = "5s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  let deep = {};
  for (let i = 0; i < 100_000; i++) deep = { deep };
  structuredClone(deep);
  throw new Error("cloned");
}
