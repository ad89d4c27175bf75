// attack: the global object as the result, with everything that hangs on it
// expect: done | unserialisable E2004
// result: "{}"
// both: it may have no JSON form
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return globalThis;
}
