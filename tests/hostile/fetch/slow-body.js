// attack: an answer that comes byte by byte, for ever
// expect: wall limit E2102
// limits: wall = "400ms"
// manifest: [permissions]
// manifest: private-net = ["$SERVER"]
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  return (await fetch("http://$SERVER/drip")).text();
}
