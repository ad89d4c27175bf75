// attack: a loop with more CPU time than time
// expect: wall limit E2102
// limits: cpu = "10s"
// limits: wall = "300ms"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  for (;;);
}
