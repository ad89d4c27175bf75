// attack: reactions without end on one promise that never settles
// expect: memory limit E2103 | pending limit E2105
// limits: cpu = "5s"
// limits: wall = "10s"
// both: each takes memory, whoever counts them
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const never = new Promise(() => {});
  for (;;) Promise.race([never, 1]);
}
