// attack: the environment changed for those that come after
// expect: done
// result: "secret"
// manifest: [env]
// manifest: WORD = "secret"
// next: "secret"
export default function (record, ctx) {
  if (record.text() === "attack") {
    for (const change of [() => { ctx.env.WORD = "changed"; }, () => delete ctx.env.WORD, () => Object.defineProperty(ctx.env, "WORD", { value: 1 }), () => Object.setPrototypeOf(ctx.env, { WORD: 1 })]) {
      try { change(); } catch { }
    }
    try { ctx.function.name = "neighbour"; } catch { }
  }
  return ctx.env.WORD;
}
