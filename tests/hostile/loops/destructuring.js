// attack: an iterator whose `next` never comes back, run by a destructuring assignment
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const [first] = { [Symbol.iterator]: () => ({ next() { for (;;); } }) };
  return first;
}
