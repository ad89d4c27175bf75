// attack: more timers at once than allowed, behind an await
// expect: pending limit E2105
// limits: cpu = "5s"
// limits: wall = "10s"
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  await new Promise((done) => setTimeout(done, 1));
  await Promise.all(Array.from({ length: 5000 }, () => new Promise((done) => setTimeout(done, 60_000))));
  return "waited";
}
