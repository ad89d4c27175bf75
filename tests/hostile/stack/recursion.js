// attack: recursion without end
// expect: failed E2001
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const deeper = (n) => deeper(n + 1) + 1;
  return deeper(0);
}
