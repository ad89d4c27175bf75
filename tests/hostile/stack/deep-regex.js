// attack: a regular expression nested a hundred thousand times over
// expect: failed E2001
// limits: cpu = "5s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return String(new RegExp("(".repeat(100_000) + ")".repeat(100_000)).test(""));
}
