// attack: sorting, reversing and joining arrays of four thousand million holes, inside the engine
// expect: crashed E2104 | cpu limit E2101 | memory limit E2103 | failed E2001
// several: the engine looks for no stop in it, may refuse the length, run out of memory or be stopped
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const holes = [];
  holes.length = 4294967295;
  holes[4294967294] = 1;
  holes.reverse();
  holes.sort();
  for (;;) holes.join("");
}
