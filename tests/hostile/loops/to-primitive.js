// attack: an endless loop in Symbol.toPrimitive of an option that emit turns into a number
// expect: cpu limit E2101
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  const endless = { [Symbol.toPrimitive]() { for (;;); } };
  try { ctx.emit("x", { timestamp: endless }); } catch { }
  try { ctx.emit("x", { partition: endless }); } catch { }
  return `${endless}`;
}
