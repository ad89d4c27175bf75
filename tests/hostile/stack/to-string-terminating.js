// attack: recursion in toString and getters that goes on while a limit ends it
// expect: cpu limit E2101 | failed E2001
// both: the end of the stack may come before the limit
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const object = { toString() { try { return `${object}`; } finally { for (let i = 0; i < 1e5; i++); `${object}`; } } };
  throw object;
}
