// attack: a whole number that doubles its length
// expect: memory limit E2103 | failed E2001
// limits: cpu = "5s"
// limits: wall = "10s"
// both: the engine refuses more than 2**30 digits
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  for (let bits = 1n << 20n; ; bits += bits / 2n) all.push(1n << bits);
}
