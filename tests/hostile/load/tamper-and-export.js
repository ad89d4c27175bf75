// attack: built-ins that are bent at the top level, before the glue takes hold of the handler
// expect: loads
const bad = () => { throw new Error("bent"); };
const define = Reflect.defineProperty;
const bend = (target, name) => define(target, name, { value: bad });
const all = [
  [Function.prototype, "apply"], [Function.prototype, "call"], [Function.prototype, "bind"], [Function.prototype, "toString"],
  [Promise.prototype, "then"], [Promise.prototype, "catch"], [Promise.prototype, "finally"],
  [Promise, "resolve"], [Promise, "reject"], [Promise, "all"], [Reflect, "apply"], [Object, "defineProperty"], [Object, "freeze"],
  [Array.prototype, "map"], [Array.prototype, "push"], [Array.prototype, "forEach"], [Array.prototype, Symbol.iterator],
  [Map.prototype, "get"], [Map.prototype, "set"], [Map.prototype, "has"], [Map.prototype, "delete"], [JSON, "stringify"], [JSON, "parse"],
  [globalThis, "Promise"], [globalThis, "Map"], [globalThis, "Error"], [globalThis, "Object"], [globalThis, "Symbol"],
];
for (let i = 0; i < all.length; i++) bend(all[i][0], all[i][1]);
export default async () => "ok";
