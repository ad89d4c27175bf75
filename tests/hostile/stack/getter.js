// attack: a getter that reads itself, in a returned value
// expect: unserialisable E2004
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return { get a() { return this.a; } };
}
