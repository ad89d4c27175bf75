// attack: an AggregateError of ten errors that each have ten, six times over
// expect: failed E2001 | cpu limit E2101 | memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
// several: whoever collects the messages may stop at some number, or a limit stops it
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const wide = (depth) => depth === 0 ? new Error("leaf") : new AggregateError(Array.from({ length: 10 }, () => wide(depth - 1)), "m".repeat(1000));
  throw wide(5);
}
