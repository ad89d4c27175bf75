// attack: promise reactions that beget promise reactions
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const again = () => Promise.resolve().then(again);
  return again();
}
