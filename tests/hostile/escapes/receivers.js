// attack: methods of records and contexts on receivers that are none, and private members by inheritance
// expect: done
// result: ""
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  const found = [];
  const methods = [];
  for (const object of [record, record.headers, ctx, ctx.log]) {
    for (let at = object; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
      if (!Object.isFrozen(at) && at !== object) found.push("a prototype that is not frozen");
      for (const key of Reflect.ownKeys(at)) {
        const { get, value } = Object.getOwnPropertyDescriptor(at, key);
        if (key === "constructor" && value) found.push("a constructor");
        for (const method of [get, value]) if (typeof method === "function") methods.push([String(key), method]);
      }
    }
  }
  const others = [undefined, null, 1, {}, [], new Proxy(record, {}), Object.create(record), Object.create(ctx), globalThis, record, ctx];
  for (const [name, method] of methods) {
    for (const receiver of others) {
      try {
        const answer = Reflect.apply(method, receiver, ["x", { partition: -1 }]);
        const anyway = answer === undefined || answer === ctx.env || answer === ctx.function;
        if (receiver !== record && receiver !== ctx && !anyway) found.push(name);
      } catch { }
      try { new method(); found.push("new " + name); } catch { }
    }
  }
  return [...new Set(found)].join();
}
