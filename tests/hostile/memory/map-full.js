// attack: a Map that is filled up to the most that a Map takes
// expect: memory limit E2103 | failed E2001
// limits: cpu = "5s"
// limits: wall = "10s"
// limits: heap = "512MiB"
// both: the engine refuses more than 2**24 entries
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const map = new Map();
  for (let i = 0; ; i++) map.set(i, i);
}
