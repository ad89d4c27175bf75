// attack: a loop around a short one of known length, which the engine unrolls and then forgets to look for a stop
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  let sum = 0;
  for (;;) {
    const row = new Array(100).fill(sum);
    for (let i = 0; i < 4; i++) sum += row[i];
  }
}
