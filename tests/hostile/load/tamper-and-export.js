// attack: built-ins that are bent at the top level, before the glue takes hold of the handler
// expect: loads
const bad = () => { throw new Error("bent"); };
for (const name of ["apply", "call", "bind", "toString"]) Function.prototype[name] = bad;
for (const name of ["then", "catch", "finally"]) Promise.prototype[name] = bad;
for (const name of ["resolve", "reject", "all"]) Promise[name] = bad;
for (const name of ["map", "push", "forEach", Symbol.iterator]) Array.prototype[name] = bad;
for (const name of ["get", "set", "has", "delete", "forEach"]) Map.prototype[name] = bad;
Reflect.apply = Object.defineProperty = Object.freeze = JSON.stringify = JSON.parse = bad;
globalThis.Promise = globalThis.Map = globalThis.Error = globalThis.Object = globalThis.Symbol = bad;
export default async () => "ok";
