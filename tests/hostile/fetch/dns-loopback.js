// attack: a public name that leads to the machine itself
// expect: done
// manifest: [permissions]
// manifest: net = ["localhost:$CANARY_PORT", "*.localhost:$CANARY_PORT"]
// result: "refused"
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  for (const host of ["localhost", "LOCALHOST", "localhost.", "a.localhost"]) {
    try { await fetch("http://" + host + ":$CANARY_PORT/"); return host; } catch { }
  }
  return "refused";
}
