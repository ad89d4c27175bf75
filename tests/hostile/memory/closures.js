// attack: closures, each with a scope of its own
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  for (let i = 0; ; i++) {
    const local = [i, i, i];
    all.push(() => local);
  }
}
