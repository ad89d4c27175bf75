// attack: a toJSON that emits while the result is written
// expect: done
// result: ["emitted", "\"returned\""]
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  return { toJSON() { ctx.emit("emitted"); return "returned"; } };
}
