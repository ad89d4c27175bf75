// attack: a result with a time that the broker refuses
// expect: failed E2001
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  ctx.emit("x", { timestamp: new Date(8.64e15) });
}
