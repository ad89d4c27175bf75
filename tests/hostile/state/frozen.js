// attack: all built-ins frozen, or deleted from the global object
// expect: done
// result: "left"
export default async function (record, ctx) {
  if (record.text() !== "attack") {
    await null;
    ctx.log.info("still here");
    return "ok";
  }
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    try { Object.freeze(globalThis[name]?.prototype); Object.freeze(globalThis[name]); } catch { }
  }
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    try { delete globalThis[name]; } catch { }
  }
  try { (0, { a() { return this; } }.a).call(undefined); } catch { }
  return "left";
}
