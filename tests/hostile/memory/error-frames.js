// attack: an error with a stack of all the frames there are, and a name of megabytes in each
// expect: crashed E2104 | failed E2001 | cpu limit E2101 | memory limit E2103
// limits: cpu = "2s"
// limits: wall = "10s"
// several: the frames with their names may be too much to read, or for the runtime to write down
export default function (record) {
  if (record.text() !== "attack") return "ok";
  Error.stackTraceLimit = Infinity;
  const name = "n".repeat(1 << 20);
  const deep = { [name]: (depth) => { if (depth === 0) throw new Error("deep"); deep[name](depth - 1); } };
  deep[name](2000);
}
