// attack: an endless loop in toJSON of a returned value
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return { toJSON() { for (;;); } };
}
