// attack: more requests at once than allowed
// expect: pending limit E2105
// limits: cpu = "5s"
// manifest: [permissions]
// manifest: private-net = ["$SERVER"]
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  for (let i = 0; i < 1000; i++) all.push(fetch("http://$SERVER/silent"));
  await Promise.all(all);
}
