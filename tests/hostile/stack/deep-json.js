// attack: a JSON text nested a million times over, parsed by the handler
// expect: failed E2001 | unserialisable E2004 | output limit E2006
// several: the engine may parse it, and then fail to write it
// limits: cpu = "5s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return JSON.parse("[".repeat(1_000_000) + "]".repeat(1_000_000));
}
