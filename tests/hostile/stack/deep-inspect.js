// attack: values nested a hundred thousand times over on the console
// expect: done | log limit E2106 | crashed E2104
// several: what is shown may be too long for a log; the runtime's reading of causes looks for no stop
// result: "logged"
// limits: cpu = "5s"
// limits: heap = "512MiB"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  let deep = {}, error = new Error("deepest");
  for (let i = 0; i < 100_000; i++) {
    deep = { deep, map: new Map([[deep, [deep]]]) };
    error = new Error("e", { cause: error });
  }
  try { console.log(deep); } catch { }
  try { console.dir(deep, { depth: Infinity }); } catch { }
  try { console.log(error); } catch { }
  return "logged";
}
