// attack: dynamic imports without end, so that a limit strikes inside of one
// expect: cpu limit E2101
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  for (;;) import("./index.js").catch(() => {});
}
