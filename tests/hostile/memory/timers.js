// attack: timers without end
// expect: pending limit E2105
// limits: cpu = "5s"
// limits: wall = "10s"
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  for (;;) setTimeout(() => {}, 100_000);
}
