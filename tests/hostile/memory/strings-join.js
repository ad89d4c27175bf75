// attack: joining a million references to one string
// expect: memory limit E2103 | failed E2001
// limits: cpu = "5s"
// limits: wall = "10s"
// both: the engine may refuse the string before it is made
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const part = "x".repeat(1 << 20);
  return new Array(400).fill(part).join("-").length.toString();
}
