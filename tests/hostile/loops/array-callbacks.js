// attack: forEach over an array that grows while it is walked, with callbacks that the engine inlines
// expect: cpu limit E2101 | crashed E2104
// several: the engine's walk over holes looks for no stop, so that only the end of the process ends it
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const huge = { length: 2 ** 53 - 1, 0: 1 };
  let sum = 0;
  for (;;) Array.prototype.forEach.call(huge, (one) => { sum += one; });
}
