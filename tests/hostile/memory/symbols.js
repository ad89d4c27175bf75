// attack: registered symbols and internalised strings, which are never collected
// expect: memory limit E2103 | crashed E2104
// limits: cpu = "5s"
// limits: wall = "10s"
// both: some tables of the engine end the process when they are full
export default function (record) {
  if (record.text() !== "attack") return "ok";
  for (let i = 0; ; i++) Symbol.for("symbol " + i);
}
