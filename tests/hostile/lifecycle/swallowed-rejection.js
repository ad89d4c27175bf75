// attack: the error of reject, kept and thrown for a later record
// expect: done
// result: "swallowed"
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  try { ctx.reject("swallowed"); } catch { }
  return "swallowed";
}
