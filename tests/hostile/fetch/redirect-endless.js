// attack: a redirect to itself
// expect: done
// result: "refused"
// manifest: [permissions]
// manifest: private-net = ["$SERVER"]
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  try { await fetch("http://$SERVER/redirect?http://$SERVER/again"); return "followed for ever"; } catch { return "refused"; }
}
