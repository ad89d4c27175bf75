// attack: an endless loop that is run again, as the retry class of limits allows, and fails again
// expect: cpu limit E2101
// attempts: 3
export default function (record) {
  if (record.text() !== "attack") return "ok";
  for (;;);
}
