// attack: built-ins replaced by ones that do harm; the neighbour looks whether its own are whole
// expect: done
// result: "left"
// next: "ok"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const harm = () => { throw new Error("leaked"); };
  JSON.parse = JSON.stringify = Array.prototype.map = Math.imul = Map.prototype.get = harm;
  Object.defineProperty(Object.prototype, "toJSON", { value: undefined, configurable: true });
  globalThis.Date = globalThis.Map = harm;
  return "left";
}
