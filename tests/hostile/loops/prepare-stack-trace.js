// attack: an endless loop in Error.prepareStackTrace, which reading the stack of an uncaught error runs
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  Error.prepareStackTrace = () => { for (;;); };
  const error = new Error("x");
  return error.stack;
}
