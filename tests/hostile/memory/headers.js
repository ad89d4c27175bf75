// attack: headers without end
// expect: memory limit E2103 | cpu limit E2101
// both: each one is compared with all before
// limits: cpu = "5s"
// limits: wall = "10s"
// limits: heap = "32MiB"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const headers = new Headers();
  for (let i = 0; ; i++) headers.append("x-" + i, "v".repeat(1000));
}
