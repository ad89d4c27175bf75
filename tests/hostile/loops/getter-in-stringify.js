// attack: an endless loop in a getter that writing the result as JSON reads
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return { get trap() { for (;;); } };
}
