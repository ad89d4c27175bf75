// attack: a generator without end, drained by spreading it into nothing
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  function* endless() { for (;;) yield 1; }
  for (const one of endless()) if (one === 2) return "never";
}
