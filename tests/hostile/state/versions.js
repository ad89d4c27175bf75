// attack: globals left by one version for the next one
// expect: done
// result: "left"
// second: export default (record) => record.text() === "attack" ? "again" : (typeof globalThis.leaked + typeof Object.prototype.leaked);
// next: "undefinedundefined"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  globalThis.leaked = Object.prototype.leaked = 1;
  return "left";
}
