// attack: requests made of objects that lie, and addresses that change while they are read
// expect: done
// result: "refused"
// manifest: [permissions]
// manifest: private-net = ["$SERVER"]
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  let reads = 0;
  const changing = { toString: () => (reads++ === 0 ? "http://$SERVER/echo" : "http://$CANARY/") };
  const request = new Request("http://$SERVER/echo");
  const tries = [
    () => fetch(changing), () => fetch({ url: "http://$CANARY/", __proto__: Request.prototype }), () => fetch(new Proxy(request, { get: () => "http://$CANARY/" })),
    () => { Object.defineProperty(request, "url", { value: "http://$CANARY/" }); return fetch(request); },
    () => fetch("http://$SERVER/echo", { get method() { throw 1; } }), () => fetch("http://$SERVER/echo", { signal: {} }),
    () => fetch("http://$SERVER/echo", { client: { proxy: { url: "http://$CANARY/" } } }), () => fetch("http://$SERVER/echo", { window: 1 }),
  ];
  for (const attempt of tries) {
    try { if ((await (await attempt()).text()).includes("canary")) return "reached"; } catch { }
  }
  return "refused";
}
