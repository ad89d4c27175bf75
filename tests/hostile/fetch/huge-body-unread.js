// attack: answers without end that nobody reads
// expect: done | memory limit E2103 | pending limit E2105
// result: "left"
// several: what nobody reads may be held back, or count as open or as memory
// limits: cpu = "5s"
// limits: wall = "10s"
// manifest: [permissions]
// manifest: private-net = ["$SERVER"]
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  for (let i = 0; i < 20; i++) all.push(await fetch("http://$SERVER/endless"));
  await new Promise((done) => setTimeout(done, 300));
  return all.length === 20 ? "left" : "lost";
}
