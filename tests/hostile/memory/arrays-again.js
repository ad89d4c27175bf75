// attack: an array that grows without end, in each of the runs that the record is given
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
// attempts: 3
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  for (;;) all.push([all.length]);
}
