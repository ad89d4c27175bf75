// attack: globals left by the function of another tenant, which has a worker of its own
// expect: done
// result: "left"
// tenant: intruder
export default function (record) {
  if (record.text() !== "attack") return "ok";
  globalThis.leaked = Object.prototype.leaked = 1;
  return "left";
}
