// attack: what the runtime calls its asynchronous operations by, bent to catch them
// expect: done
// result: ""
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const caught = [];
  const note = (name) => function (...all) {
    for (const one of [this, ...all]) if (typeof one === "function" && /^(async_)?op_/.test(one.name)) caught.push(name);
    return Promise.resolve();
  };
  const bends = [
    () => { Function.prototype.call = note("call"); },
    () => Object.defineProperty(Function.prototype, "call", { value: note("call") }),
    () => Object.setPrototypeOf(Function.prototype, { call: note("call"), __proto__: Object.prototype }),
    () => delete Function.prototype.call,
    () => Object.setPrototypeOf((async () => {}).constructor.prototype, { call: note("call"), __proto__: Function.prototype }),
    () => { Function.prototype.apply = note("apply"); },
    () => { Function.prototype.bind = note("bind"); },
    () => Object.defineProperty(Function.prototype, Symbol.hasInstance, { value: note("hasInstance") }),
    () => Object.defineProperty(Object.prototype, "promiseId", { set: note("promiseId"), configurable: true }),
  ];
  for (const bend of bends) try { bend(); } catch { }
  const tries = [
    () => crypto.subtle.digest("SHA-256", new Uint8Array(8)), () => fetch("http://$CANARY/"), () => new Blob(["x"]).text(),
    () => new Response("x").text(), () => new Promise((done) => setTimeout(done, 1)), () => new Response(new Blob(["a"])).formData(),
    () => { const { port1, port2 } = new MessageChannel(); port1.postMessage(1); return new Promise((done) => { port2.onmessage = done; setTimeout(done, 20); }); },
    () => new Response(new Blob(["x".repeat(1000)]).stream().pipeThrough(new CompressionStream("gzip"))).bytes(),
  ];
  for (const attempt of tries) try { await attempt(); } catch { }
  delete Object.prototype.promiseId;
  return [...new Set(caught)].join();
}
