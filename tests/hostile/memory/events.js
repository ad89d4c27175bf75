// attack: listeners without end on the signal of an invocation
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  for (;;) ctx.signal.addEventListener("abort", () => {});
}
