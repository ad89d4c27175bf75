// attack: an answer without end
// expect: done | memory limit E2103
// result: "refused"
// both: too large an answer may be refused, or what is taken of it may be too much
// limits: cpu = "5s"
// limits: wall = "10s"
// manifest: [permissions]
// manifest: private-net = ["$SERVER"]
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  try { return String((await (await fetch("http://$SERVER/endless")).bytes()).length); } catch { return "refused"; }
}
