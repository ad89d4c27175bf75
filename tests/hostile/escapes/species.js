// attack: Symbol.species and constructors of arrays, promises and buffers that hand out something else
// expect: done
// result: "[1,2]"
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const caught = [];
  const odd = function (...parameters) { caught.push(parameters); return new Proxy([], {}); };
  for (const kind of [Array, Promise, ArrayBuffer, RegExp, Uint8Array.__proto__, Map, Set]) {
    Object.defineProperty(kind, Symbol.species, { configurable: true, get: () => odd });
  }
  Array.prototype.constructor = odd;
  const value = [1, 2];
  delete Array.prototype.constructor;
  Array.prototype.constructor = Array;
  await null;
  return value;
}
