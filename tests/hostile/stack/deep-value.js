// attack: a value nested a million times over, returned as JSON
// expect: unserialisable E2004 | output limit E2006
// several: the engine may write it without recursion, and then it is more than a result may be
// limits: cpu = "5s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  let deep = [];
  for (let i = 0; i < 1_000_000; i++) deep = [deep];
  return deep;
}
