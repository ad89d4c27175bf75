// attack: an endless loop in the callback of a timer
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return new Promise(() => setTimeout(() => { for (;;); }, 1));
}
