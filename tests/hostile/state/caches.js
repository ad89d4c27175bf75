// attack: registries that a whole process may share: symbols, templates, regular expressions' statics, marks, time zones
// expect: done
// result: "left"
// second: export default (record) => record.text() === "attack" ? "again" : [RegExp.$1, performance.getEntries().length, globalThis.Temporal ? 0 : 0, Object.keys(Symbol.for("shared")).length].join();
// next: ",0,0,0"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  /(leaked)/.exec("leaked");
  performance.mark("leaked");
  return "left";
}
