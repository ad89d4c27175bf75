// attack: a worker of another tenant that is driven to its end
// expect: cpu limit E2101 | wall limit E2102 | crashed E2104
// several: the engine's own loop may look at no request to stop, then only the end of the process stops it
// tenant: intruder
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return String(Array.prototype.lastIndexOf.call({ length: 2 ** 53 - 1 }, 1));
}
