// attack: marks of performance, which are kept until somebody clears them, over all records
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
// limits: heap = "32MiB"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  for (let i = 0; ; i++) performance.mark("mark " + i, { detail: new Array(100).fill(i) });
}
