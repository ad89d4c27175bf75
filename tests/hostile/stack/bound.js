// attack: a function that is bound a hundred thousand times over
// expect: failed E2001 | done
// result: "called"
// both: the engine may unroll the calls, or find the end of the stack
// limits: cpu = "5s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  let bound = () => "called";
  for (let i = 0; i < 100_000; i++) bound = bound.bind(null);
  return bound();
}
