// attack: a value nested a million times over, returned as JSON
// expect: unserialisable E2004
// limits: cpu = "5s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  let deep = [];
  for (let i = 0; i < 1_000_000; i++) deep = [deep];
  return deep;
}
