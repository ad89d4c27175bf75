// attack: an object to wait for that resolves with another one to wait for, without end
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const next = () => ({ then(done) { done(next()); } });
  return next();
}
