// attack: requests that a handler leaves behind, over and over
// expect: done
// result: "left"
// manifest: [permissions]
// manifest: private-net = ["$SERVER"]
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  for (let i = 0; i < 10; i++) fetch("http://$SERVER/silent").catch(() => {});
  await new Promise((done) => setTimeout(done, 20));
  return "left";
}
