// attack: promises without end that never settle
// expect: memory limit E2103 | pending limit E2105
// limits: cpu = "5s"
// limits: wall = "10s"
// both: each takes memory, whoever counts them
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  for (;;) all.push(new Promise(() => {}).then(() => {}));
}
