// attack: Error.prepareStackTrace that throws, returns odd things and runs the host again while the host reads a stack
// expect: failed E2001
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  Error.prepareStackTrace = (error, sites) => {
    try { record.text(); ctx.emit("from within"); ctx.reject("x"); } catch { }
    sites.length = 0;
    sites.push({ getFileName() { throw 1; } }, null, sites);
    throw new Proxy(error, { get() { throw 2; } });
  };
  throw new Error("x");
}
