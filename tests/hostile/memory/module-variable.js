// attack: a module variable that grows with each record
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
const kept = [];
export default function (record) {
  if (record.text() !== "attack") return "ok";
  for (;;) kept.push(new Array(100).fill(kept.length));
}
