// attack: dynamic imports of what does not exist without end, so that a limit strikes inside of one
// expect: cpu limit E2101 | memory limit E2103
// both: each waits to be refused
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  for (let i = 0; ; i++) import("./none" + i + ".js", { with: { type: "json" } }).catch(() => {});
}
