// attack: Proxies as results, options, headers, keys and names, which lie about themselves
// expect: done
// result: "\"survived\""
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  const lies = (target) => new Proxy(target, {
    get(_, key) { return key === "length" ? 2 : key === Symbol.iterator ? undefined : lies(() => {}); },
    getPrototypeOf: () => Uint8Array.prototype,
    getOwnPropertyDescriptor: () => ({ value: 1, configurable: true }),
  });
  const tries = [
    () => ctx.emit("x", lies({})), () => ctx.emit("x", { headers: lies([]) }), () => ctx.emit("x", { headers: lies({}) }),
    () => ctx.emit("x", { key: lies(new Uint8Array(1)) }), () => ctx.emit("x", { topic: lies(new String("t")) }),
    () => ctx.emit("x", { timestamp: lies(new Date()) }), () => ctx.emit("x", { partition: lies({}) }),
    () => ctx.log.info(lies({})), () => console.table(lies([])), () => record.headers.get(lies({})), () => ctx.reject(lies({})),
  ];
  for (const attempt of tries) try { attempt(); } catch { }
  return new Proxy({}, { get: (_, key) => (key === "toJSON" ? () => "survived" : undefined) });
}
