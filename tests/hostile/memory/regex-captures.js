// attack: matches of a regular expression with many groups
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const pattern = new RegExp("(x)".repeat(1000), "g");
  const text = "x".repeat(1_000_000);
  const all = [];
  for (;;) all.push([...text.matchAll(pattern)]);
}
