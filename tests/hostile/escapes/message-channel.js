// attack: records and contexts sent through a channel of messages, and listeners that throw
// expect: done
// result: "survived"
export default async function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  if (typeof MessageChannel === "undefined") return "survived";
  const { port1, port2 } = new MessageChannel();
  port2.onmessage = () => { throw new Error("listener"); };
  for (const value of [record, ctx, () => {}, globalThis, new Proxy({}, {}), Symbol("x")]) {
    try { port1.postMessage(value); } catch { }
  }
  try { port1.postMessage(1, [port1]); } catch { }
  port1.postMessage("x");
  await new Promise((done) => setTimeout(done, 10));
  port1.close();
  return "survived";
}
