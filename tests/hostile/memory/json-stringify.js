// attack: JSON texts of huge values
// expect: memory limit E2103 | failed E2001
// limits: cpu = "5s"
// limits: wall = "10s"
// both: the engine may refuse the string before it is made
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const part = "\u0001".repeat(1 << 20);
  return JSON.stringify(new Array(100).fill(part)).length.toString();
}
