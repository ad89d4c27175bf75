// attack: a Proxy whose prototype is itself behind a trap, so that a lookup never ends
// expect: cpu limit E2101 | failed E2001
// both: V8 may find the end of the stack first
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const proxy = new Proxy({}, { getPrototypeOf: () => proxy });
  const object = Object.create(proxy);
  return object instanceof Map ? "yes" : "no";
}
