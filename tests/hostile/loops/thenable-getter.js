// attack: an endless loop in the getter of `then`
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return { get then() { for (;;); } };
}
