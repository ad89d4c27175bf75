// attack: values nested a hundred thousand times over on the console
// expect: done
// result: "logged"
// limits: cpu = "5s"
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
