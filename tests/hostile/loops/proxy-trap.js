// attack: an endless loop in the trap of a Proxy that is returned
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return new Proxy({}, { ownKeys() { for (;;); } });
}
