// attack: code inside dynamic import, where the engine is known to swallow a request to stop
// expect: cpu limit E2101
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  for (;;) import({ toString() { for (let i = 0; i < 1e6; i++); throw 1; } }).catch(() => {});
}
