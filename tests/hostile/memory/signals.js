// attack: signals with a time limit without end, each a timer inside
// expect: pending limit E2105 | memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
// both: they may count as timers, or as memory
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  for (;;) all.push(AbortSignal.timeout(100_000));
}
