// attack: an endless loop in the reviver of JSON.parse
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return JSON.parse("[1]", () => { for (;;); });
}
