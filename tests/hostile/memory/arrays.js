// attack: an array that grows without end
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  for (;;) all.push({ a: [1, 2, 3] });
}
