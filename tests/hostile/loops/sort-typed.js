// attack: an endless loop in the comparator of a typed array's sort
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return new Float64Array(8).sort(() => { for (;;); });
}
