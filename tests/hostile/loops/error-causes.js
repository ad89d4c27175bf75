// attack: an uncaught error whose cause has a cause that has a cause, made anew each time one is read
// expect: failed E2001 | cpu limit E2101
// both: whoever follows the causes may stop at some depth or run out of time, but not out of stack
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const deeper = () => Object.defineProperty(new Error("deeper"), "cause", { get: deeper });
  throw deeper();
}
