// attack: memory without end behind an await
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  await new Promise((done) => setTimeout(done, 5));
  const all = [];
  for (;;) all.push(new Map([[1, 2]]));
}
