// attack: an endless loop in the trap that looking for `then` on a returned Proxy runs
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return new Proxy({}, { get() { for (;;); } });
}
