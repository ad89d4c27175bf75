// attack: an asynchronous generator without end
// expect: cpu limit E2101
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  async function* endless() { for (;;) yield 1; }
  for await (const one of endless()) if (one === 2) return "never";
}
