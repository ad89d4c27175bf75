// attack: redirects to files, data and scripts
// expect: done
// result: "refused"
// manifest: [permissions]
// manifest: private-net = ["$SERVER"]
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  for (const to of ["file:///etc/passwd", "data:text/plain,x", "javascript:1", "ftp://$CANARY/", "gopher://$CANARY/"]) {
    try { await fetch("http://$SERVER/redirect?" + to); return to; } catch { }
  }
  return "refused";
}
