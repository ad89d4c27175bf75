// attack: values in the log that write to the log, emit and reject while they are shown
// expect: done | rejected E2002 | log limit E2106 | output limit E2006 | failed E2001
// result: "logged"
// several: whatever they call takes effect, or the end of the stack stops them
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  const value = {
    [Symbol.for("Deno.customInspect")]() { ctx.log.info(value); return "x"; },
    get [Symbol.toStringTag]() { try { ctx.log.info({ [Symbol.toStringTag]: "y" }); } catch { } return "z"; },
  };
  ctx.log.info(value);
  return "logged";
}
