// attack: an endless loop in valueOf
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return Math.max({ valueOf() { for (;;); } }, 1);
}
