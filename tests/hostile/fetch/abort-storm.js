// attack: requests that are given up as soon as they are made
// expect: done
// result: "survived"
// limits: cpu = "5s"
// manifest: [permissions]
// manifest: private-net = ["$SERVER"]
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  for (let i = 0; i < 300; i++) {
    const controller = new AbortController();
    const answer = fetch("http://$SERVER/" + (i % 2 ? "silent" : "drip"), { signal: controller.signal }).then((answer) => answer.text()).catch(() => {});
    if (i % 3) await null;
    controller.abort(i % 5 ? undefined : { get message() { throw 1; } });
    await answer;
  }
  return "survived";
}
