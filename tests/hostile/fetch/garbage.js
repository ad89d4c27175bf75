// attack: an answer that is no answer
// expect: done
// result: "refused"
// manifest: [permissions]
// manifest: private-net = ["$SERVER"]
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  try { return String((await fetch("http://$SERVER/garbage")).status); } catch { return "refused"; }
}
