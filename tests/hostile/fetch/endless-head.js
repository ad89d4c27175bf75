// attack: an answer whose headers never end
// expect: done
// result: "refused"
// limits: wall = "10s"
// manifest: [permissions]
// manifest: private-net = ["$SERVER"]
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  try { return String((await fetch("http://$SERVER/endless-head")).status); } catch { return "refused"; }
}
