// attack: an iterator whose `return`, which runs as the loop is left, never comes back
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const iterator = { next: () => ({ value: 1, done: false }), return() { for (;;); } };
  for (const one of { [Symbol.iterator]: () => iterator }) return one;
}
