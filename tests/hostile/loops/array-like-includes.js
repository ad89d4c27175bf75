// attack: `includes` on an object that claims 2**53 - 1 elements, in a loop inside the engine
// expect: cpu limit E2101 | wall limit E2102 | crashed E2104
// several: the engine's own loop may look at no request to stop, then only the end of the process stops it
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return String(Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1));
}
