// attack: results without end
// expect: output limit E2006
// limits: cpu = "5s"
// limits: wall = "10s"
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  for (;;) ctx.emit("x");
}
