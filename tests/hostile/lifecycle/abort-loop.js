// attack: an endless loop in the listener of the signal that says that the time is up
// expect: wall limit E2102
// limits: wall = "200ms"
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  ctx.signal.addEventListener("abort", () => { for (;;); });
  return new Promise(() => {});
}
