// attack: an endless loop in the comparator of a sort
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return [3, 1, 2].sort(() => { for (;;); });
}
