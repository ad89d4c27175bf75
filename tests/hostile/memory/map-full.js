// attack: a Map that is filled up to the most that a Map takes
// expect: memory limit E2103 | failed E2001 | cpu limit E2101 | wall limit E2102
// limits: cpu = "5s"
// limits: wall = "10s"
// limits: heap = "512MiB"
// several: the engine refuses more than 2**24 entries, which take a while to put in
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const map = new Map();
  for (let i = 0; ; i++) map.set(i, i);
}
