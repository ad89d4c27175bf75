// attack: addresses that are no web addresses
// expect: done
// result: ""
// manifest: [permissions]
// manifest: private-net = ["$SERVER"]
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const found = [];
  for (const url of ["file:///etc/passwd", "ftp://$SERVER/", "ext:core/mod.js", "eddyline:///neighbour/index.js", "unix:///var/run/docker.sock", "ws://$SERVER/", "gopher://$SERVER/", "about:blank", "//$CANARY", "/", ""]) {
    try { await fetch(url); found.push(url); } catch { }
  }
  return found.join();
}
