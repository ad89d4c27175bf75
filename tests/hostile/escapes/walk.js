// attack: everything that can be reached from the globals, the record and the context, looked through for operations
// expect: done
// result: ""
// limits: cpu = "10s"
// limits: wall = "20s"
// limits: heap = "256MiB"
export default async function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  const seen = new Set();
  const found = new Set();
  const queue = [];
  const add = (value, path) => {
    if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) return;
    seen.add(value);
    queue.push([value, path]);
  };
  let thrown;
  try { record.headers.get(Symbol()); } catch (error) { thrown = error; }
  try { ctx.reject("x"); } catch (error) { add(error, "rejection"); }
  add(thrown, "thrown");
  add(globalThis, "globalThis");
  add(record, "record");
  add(ctx, "ctx");
  add(record.headers, "headers");
  add(import.meta, "meta");
  add(await import("./index.js"), "namespace");
  add((function () { return arguments; })(), "arguments");
  add(Object.getPrototypeOf(async function* () {}), "asynchronous generator");
  while (queue.length > 0 && seen.size < 50_000) {
    const [value, path] = queue.shift();
    if (typeof value === "function" && /^op_/.test(value.name)) found.add(path);
    for (const key of Reflect.ownKeys(value)) {
      if (["ops", "core", "__bootstrap", "primordials", "internals", "loadExtScript", "opCallTracing"].includes(key)) found.add(`${path}.${key}`);
      const { get, set, value: own } = Reflect.getOwnPropertyDescriptor(value, key) ?? {};
      const next = `${path}.${String(key)}`;
      add(own, next);
      add(get, next + "(get)");
      add(set, next + "(set)");
      if (get) try { add(value[key], next); } catch (error) { add(error, next + "(error)"); }
    }
    try { add(Object.getPrototypeOf(value), path + ".__proto__"); } catch { }
  }
  return [...found].join();
}
