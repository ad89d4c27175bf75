// attack: endless loops in the getters of the options of emit
// expect: cpu limit E2101
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  ctx.emit("x", { get topic() { for (;;); } });
}
