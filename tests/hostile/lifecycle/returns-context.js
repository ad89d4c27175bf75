// attack: the context, the global object and the console as results
// expect: done | unserialisable E2004
// result: "{}"
// both: they may have no JSON form
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  return ctx;
}
