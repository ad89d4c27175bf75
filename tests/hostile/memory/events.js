// attack: listeners without end on the signal of an invocation
// expect: memory limit E2103 | cpu limit E2101
// both: each listener is compared with all others, so time may run out first
// limits: cpu = "5s"
// limits: wall = "10s"
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  for (;;) ctx.signal.addEventListener("abort", () => {});
}
