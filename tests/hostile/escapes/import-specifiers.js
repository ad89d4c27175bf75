// attack: specifiers and attributes of dynamic imports that run code as they are read
// expect: done
// result: "survived"
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const odd = [
    { toString() { throw new Error("no"); } }, Symbol("x"), new Proxy({}, {}), null, undefined, 1n,
    { toString: () => "./index.js" }, "x".repeat(1 << 20), "\ud800", "./\ud800.js",
  ];
  for (const specifier of odd) {
    for (const options of [undefined, 1, { get with() { throw 1; } }, { with: new Proxy({}, { ownKeys() { throw 2; } }) }, { with: { type: Symbol() } }]) {
      try { await import(specifier, options); } catch { }
    }
  }
  return "survived";
}
