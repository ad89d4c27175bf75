// attack: JSON texts that keep the parser, which listens to no one, busy for milliseconds, again and again
// expect: cpu limit E2101 | crashed E2104
// both: where each turn takes so long, the loop may look at the stop too late, and ends with its worker
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const text = "[" + "1,".repeat(200_000) + "1]";
  for (;;) JSON.parse(text);
}
