// attack: Array.from with an endless loop in its mapping
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return Array.from({ length: 1 }, () => { for (;;); });
}
