// attack: more lines of log than an invocation may write
// expect: log limit E2106
// limits: cpu = "5s"
// limits: wall = "10s"
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  for (;;) ctx.log.info("a line of log");
}
