// attack: globals and properties of built-ins that other functions would see; the neighbour looks for `leaked`
// expect: done
// result: "left"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const hidden = { value: "leaked", configurable: true };
  for (const target of [globalThis, Object.prototype, Array.prototype, Function.prototype, Promise, JSON, Math, console]) {
    Object.defineProperty(target, "leaked", hidden);
  }
  return "left";
}
