// attack: timers, promises and signals started while the result is written
// expect: done
// result: "\"x\""
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  return {
    toJSON() {
      setTimeout(() => { for (;;); }, 0);
      Promise.resolve().then(() => ctx.log.info("later"));
      ctx.signal.addEventListener("abort", () => { for (;;); });
      return "x";
    },
  };
}
