// attack: toJSON that returns ever deeper values
// expect: unserialisable E2004 | cpu limit E2101
// both: V8 gives up at the end of the stack, which a slow machine may not reach in time
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const deeper = () => ({ a: { toJSON: deeper } });
  return deeper();
}
