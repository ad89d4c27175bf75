// attack: memory without end in toJSON, while the result is written
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  return { toJSON() { for (;;) all.push({}); } };
}
