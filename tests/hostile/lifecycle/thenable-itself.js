// attack: an object to wait for that answers with itself
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const itself = { then(done) { done(itself); } };
  return itself;
}
