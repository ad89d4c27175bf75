// attack: patterns of addresses with expressions that backtrack for ages
// expect: cpu limit E2101 | failed E2001
// both: such a pattern may be refused
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const pattern = new URLPattern({ pathname: "/((?:a*)*b)" });
  if (pattern.test("http://example.com/" + "a".repeat(60))) return "matched";
  throw new Error("no match");
}
