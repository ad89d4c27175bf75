// attack: a handler with an endless toString, which looking for a class may run
// expect: problem E1206
// limits: load = "300ms"
const handler = () => "ok";
handler.toString = () => { for (;;); };
handler[Symbol.toPrimitive] = handler.toString;
handler.record = handler.batch = handler.fetch = undefined;
export default new Proxy(handler, { get: () => { for (;;); } });
