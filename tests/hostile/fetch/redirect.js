// attack: a redirect from an allowed host to one that is not
// expect: done
// result: "refused"
// manifest: [permissions]
// manifest: private-net = ["$SERVER"]
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  try { return (await (await fetch("http://$SERVER/redirect?http://$CANARY/")).text()).slice(0, 100); } catch { return "refused"; }
}
