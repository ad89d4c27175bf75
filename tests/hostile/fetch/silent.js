// attack: a server that never answers
// expect: wall limit E2102
// limits: wall = "400ms"
// manifest: [permissions]
// manifest: private-net = ["$SERVER"]
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  return (await fetch("http://$SERVER/silent")).text();
}
