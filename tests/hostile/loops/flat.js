// attack: an array of two to the power of sixty elements, flattened inside the engine
// expect: cpu limit E2101 | memory limit E2103 | crashed E2104
// several: the engine looks for no stop in it, so that only the end of the process ends it
export default function (record) {
  if (record.text() !== "attack") return "ok";
  let nested = [];
  for (let i = 0; i < 60; i++) nested = [nested, nested];
  return nested.flat(Infinity).length;
}
