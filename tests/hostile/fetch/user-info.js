// attack: the name of an allowed host in front of the one that is asked
// expect: done
// result: "refused"
// manifest: [permissions]
// manifest: private-net = ["$SERVER"]
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  for (const url of ["http://$SERVER@$CANARY/", "http://$SERVER%2f@$CANARY/", "http://$SERVER\\\\@$CANARY/", "http://$CANARY/?@$SERVER", "http://$CANARY#@$SERVER/"]) {
    try { const answer = await fetch(url); if ((await answer.text()).includes("canary")) return "reached"; } catch { }
  }
  return "refused";
}
