// attack: signals that depend on signals that depend on signals
// expect: memory limit E2103 | cpu limit E2101
// both: each one knows all that it depends on
// limits: cpu = "5s"
// limits: wall = "10s"
// limits: heap = "32MiB"
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  let signal = ctx.signal;
  const all = [];
  for (;;) {
    signal = AbortSignal.any([signal, new AbortController().signal]);
    signal.addEventListener("abort", () => all.push(1));
    all.push(signal);
  }
}
