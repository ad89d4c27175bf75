// attack: a default export that is a Proxy with endless traps
// expect: problem E1206
// limits: load = "300ms"
export default new Proxy({}, { get() { for (;;); } });
