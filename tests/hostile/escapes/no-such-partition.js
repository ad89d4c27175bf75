// attack: a result for a partition that its topic does not have and never will
// expect: failed E2001
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  ctx.emit("x", { partition: 2147483647 });
}
