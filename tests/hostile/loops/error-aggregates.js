// attack: an uncaught AggregateError whose errors are AggregateErrors, made anew each time they are read
// expect: failed E2001 | cpu limit E2101
// both: whoever follows the errors may stop at some depth or run out of time, but not out of stack
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const deeper = () => {
    const error = new AggregateError([], "deeper");
    Object.defineProperty(error, "errors", { get: () => [deeper()] });
    return error;
  };
  throw deeper();
}
