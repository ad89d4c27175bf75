// attack: a result that comes after the time is up
// expect: wall limit E2102
// limits: wall = "200ms"
export default async function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  ctx.emit("early");
  ctx.signal.addEventListener("abort", () => { try { ctx.emit("at the end"); } catch { } });
  await new Promise((done) => { ctx.signal.addEventListener("abort", done); });
  ctx.emit("late");
  return "late";
}
