// attack: getters and setters on Object.prototype and Array.prototype for the names that glue code reads and writes
// expect: done
// result: ""
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  const names = [
    "get", "set", "value", "writable", "enumerable", "configurable", "0", "1", "2", "topic", "key", "headers", "timestamp",
    "partition", "colors", "depth", "signal", "number", "type", "name", "ops", "core", "code", "cause", "length2",
  ];
  const caught = [];
  const prototypes = [Object.prototype, Array.prototype];
  const trap = (name) => ({
    __proto__: null,
    configurable: true,
    get() { note(name, this); return undefined; },
    set(value) { note(name, value); },
  });
  const options = Object.create(null);
  function note(name, value) {
    if (value === options) return;
    if (typeof value === "function" && /^op_/.test(value.name)) caught.push(name);
  }
  for (const prototype of prototypes) for (const name of names) Object.defineProperty(prototype, name, trap(name));
  try {
    try { record.json(); } catch { }
    record.headers.entries();
    record.headers.getAll("a");
    record.keyBytes;
    ctx.signal;
    ctx.log.info("x");
    console.log([1, { a: 2 }]);
    options.headers = [["a", "1"]];
    ctx.attempt;
    new AbortController().abort();
    setTimeout(() => {}, 1);
  } finally {
    for (const prototype of prototypes) for (const name of names) delete prototype[name];
  }
  return caught.join();
}
