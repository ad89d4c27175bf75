// attack: another port of a host that is allowed with its port
// expect: done
// result: "refused"
// manifest: [permissions]
// manifest: private-net = ["$SERVER"]
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  try { await fetch("http://$CANARY/"); return "reached"; } catch { return "refused"; }
}
