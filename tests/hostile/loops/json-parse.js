// attack: JSON texts that keep the parser, which listens to no one, busy again and again
// expect: cpu limit E2101 | crashed E2104
// both: the interpreter looks at a stop only every so many instructions, and each of these is one of them
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const text = "[" + "1,".repeat(200_000) + "1]";
  for (;;) JSON.parse(text);
}
