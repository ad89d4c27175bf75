// attack: microtasks without end that a handler leaves behind as it returns
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const again = () => { queueMicrotask(again); };
  again();
  return "left";
}
