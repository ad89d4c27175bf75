// attack: an endless loop in code that the optimising compiler has taken, with nothing in it that could be stopped at
// expect: cpu limit E2101
function spin(rounds, odd) {
  let sum = 0;
  for (let i = 0; i !== rounds; i = (i + 1) | 0) sum = (sum + (i & odd)) | 0;
  return sum;
}
for (let i = 0; i < 2000; i++) spin(200, 1);
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return spin(-1.5, 1);
}
