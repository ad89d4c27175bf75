// attack: one string as long as a string can be, and its pieces
// expect: memory limit E2103 | failed E2001
// limits: cpu = "5s"
// limits: wall = "10s"
// both: the engine may refuse the string before it is made
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const kept = [];
  for (let i = 0; ; i++) kept.push(String(i).repeat(80_000_000).split(""));
}
