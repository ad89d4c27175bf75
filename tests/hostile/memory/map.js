// attack: a Map that grows without end
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const map = new Map();
  for (let i = 0; ; i++) map.set(i, {});
}
