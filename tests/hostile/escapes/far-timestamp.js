// attack: a result with a time in the far future, which the broker takes or refuses
// expect: done | failed E2001
// result: "x"
// both: it is the broker's own setting; the records behind it must come through in either case
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  ctx.emit("x", { timestamp: new Date(8.64e15) });
}
