// attack: a toJSON that emits itself, without end
// expect: failed E2001 | unserialisable E2004 | output limit E2006
// several: the end of the stack shows as one or the other
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  const value = { toJSON() { ctx.emit(value); return "x"; } };
  ctx.emit(value);
}
