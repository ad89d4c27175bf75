// attack: the global object as the result, with everything that hangs on it
// expect: done | unserialisable E2004
// result: "[]"
// both: it may have no JSON form
export default function (record) {
  if (record.text() !== "attack") return "ok";
  // The hooks for errors are there to be seen, as on the web.
  return Object.keys(JSON.parse(JSON.stringify(globalThis))).filter((name) => !name.startsWith("on"));
}
