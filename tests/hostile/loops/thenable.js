// attack: an endless loop in `then` of a returned object
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return { then() { for (;;); } };
}
