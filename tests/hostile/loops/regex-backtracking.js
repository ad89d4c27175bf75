// attack: a regular expression that backtracks for ages
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return /^(a*)*b$/.test("a".repeat(50)) ? "yes" : "no";
}
