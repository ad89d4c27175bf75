// attack: one line of log of 100 megabytes
// expect: log limit E2106
// limits: cpu = "5s"
// limits: wall = "10s"
// limits: heap = "512MiB"
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  ctx.log.warn("l".repeat(100 << 20));
  return "logged";
}
