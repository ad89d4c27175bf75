// attack: a value in the log that has no end when it is shown
// expect: log limit E2106 | cpu limit E2101 | memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
// several: showing it may take too long or too much memory before it is too long
export default function (record) {
  if (record.text() !== "attack") return "ok";
  let wide = {};
  for (let i = 0; i < 60; i++) wide = { a: wide, b: wide, c: new Array(100).fill(wide) };
  console.log(wide);
  console.dir(wide, { depth: Infinity });
  for (;;) console.log(wide);
}
