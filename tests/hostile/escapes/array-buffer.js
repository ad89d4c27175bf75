// attack: the engine's own constructor of buffers, behind the one that gives them a fixed length
// expect: done
// result: ""
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const found = [];
  const options = { maxByteLength: 1 << 20 };
  const constructors = {
    global: ArrayBuffer, view: new Uint8Array(1).buffer.constructor, record: record.bytes().buffer.constructor,
    encoded: new TextEncoder().encode("x").buffer.constructor, species: ArrayBuffer[Symbol.species],
    prototype: Object.getPrototypeOf(ArrayBuffer), sliced: new ArrayBuffer(1).slice().constructor, cloned: structuredClone(new ArrayBuffer(1)).constructor,
    subclass: class extends ArrayBuffer {},
  };
  for (const [name, make] of Object.entries(constructors)) {
    const ways = [() => new make(0, options), () => Reflect.construct(make, [0, options], Uint8Array), () => new make(0, Object.assign(() => {}, options)), () => new make(0, new Proxy({}, { get: () => 1 << 20 }))];
    for (const way of ways) try { if (way().resizable) found.push(name); } catch { }
  }
  let reads = 0;
  try { if (new ArrayBuffer(0, { get maxByteLength() { return reads++ ? 1 << 20 : undefined; } }).resizable) found.push("twice"); } catch { }
  try { if (new ArrayBuffer({ valueOf: () => 0 }, options).resizable) found.push("value"); } catch { }
  return found.join();
}
