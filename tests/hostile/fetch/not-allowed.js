// attack: a host that the manifest does not name
// expect: done
// result: "refused"
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  try { await fetch("http://$CANARY/"); return "reached"; } catch { return "refused"; }
}
