// attack: copyWithin, fill, reverse and unshift on objects that claim 2**53 - 1 elements
// expect: cpu limit E2101 | wall limit E2102 | crashed E2104 | memory limit E2103
// several: the engine's own loop may look at no request to stop, then only the end of the process stops it
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const proxy = new Proxy({}, { has: () => false, deleteProperty: () => true });
  const big = { __proto__: proxy, length: 2 ** 53 - 2 };
  Array.prototype.copyWithin.call(big, 0, 1);
  Array.prototype.reverse.call(big);
  Array.prototype.unshift.call(big, 1);
}
