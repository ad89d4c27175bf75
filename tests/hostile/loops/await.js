// attack: an endless loop of awaits
// expect: cpu limit E2101
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  for (;;) await null;
}
