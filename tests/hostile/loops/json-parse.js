// attack: JSON texts that keep the parser, which listens to no one, busy again and again
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const text = "[" + "1,".repeat(10_000) + "1]";
  for (;;) JSON.parse(text);
}
