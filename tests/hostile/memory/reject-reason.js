// attack: a reason to reject of 100 megabytes
// expect: rejected E2002
// limits: cpu = "5s"
// limits: wall = "10s"
// limits: heap = "512MiB"
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  ctx.reject("r".repeat(100 << 20));
}
