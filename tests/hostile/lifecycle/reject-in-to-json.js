// attack: a toJSON that rejects while the result is written
// expect: rejected E2002
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  ctx.emit("discarded");
  return { toJSON() { ctx.reject("from within"); } };
}
