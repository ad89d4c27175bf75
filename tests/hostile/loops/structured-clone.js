// attack: an endless loop in a getter that structuredClone reads
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return structuredClone({ get trap() { for (;;); } });
}
