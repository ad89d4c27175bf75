// attack: a small text that is a large value as JSON
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  const text = "[" + "[],".repeat(500_000) + "{}]";
  for (;;) all.push(JSON.parse(text));
}
