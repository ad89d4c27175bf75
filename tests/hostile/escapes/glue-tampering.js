// attack: built-ins replaced by ones that note who calls them with what, to catch the insides of the glue
// expect: done
// result: ""
export default async function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  const caught = [];
  let noting = false;
  const note = (path, self, values) => {
    // Noting uses what is being replaced.
    if (noting) return;
    noting = true;
    for (let i = -1; i < values.length; i++) {
      const value = i < 0 ? self : values[i];
      if (typeof value === "function" && (/^op_/.test(value.name) || value.name === "numberOf")) caught.push(path);
      if (typeof value === "object" && value !== null && ("ops" in value || "core" in value)) caught.push(path);
    }
    noting = false;
  };
  const kinds = { Array, Promise, Map, Set, WeakMap, Symbol, Function, Object, String, RegExp, Date, Error, Uint8Array, ArrayBuffer, URL };
  const undo = [];
  for (const [name, kind] of Object.entries(kinds)) {
    for (const target of [kind, kind.prototype]) {
      for (const key of Reflect.ownKeys(target)) {
        const descriptor = Object.getOwnPropertyDescriptor(target, key);
        if (typeof descriptor.value !== "function" || !descriptor.configurable || key === "constructor") continue;
        const original = descriptor.value;
        undo.push([target, key, descriptor]);
        const { apply, construct } = Reflect;
        Object.defineProperty(target, key, {
          ...descriptor,
          value: function (...parameters) { note(name, this, parameters); return new.target ? construct(original, parameters, new.target) : apply(original, this, parameters); },
        });
      }
    }
  }
  let result;
  try {
    record.json;
    record.text(); record.bytes(); record.headers.entries(); record.headers.getAll("a"); record.timestamp;
    ctx.signal; ctx.deadline; ctx.env; ctx.log.info("a", 1);
    setTimeout(() => {}, 1);
    structuredClone([1]);
    await new Promise((done) => setTimeout(done, 2));
    try { ctx.reject("x"); } catch { }
  } finally {
    const define = Reflect.defineProperty;
    for (let i = 0; i < undo.length; i++) define(undo[i][0], undo[i][1], undo[i][2]);
  }
  return [...new Set(caught)].join();
}
