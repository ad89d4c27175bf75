// attack: an endless loop without a body
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  for (;;);
}
