// attack: copies of the record, the context and their parts, which must not carry what is private
// expect: done
// result: ""
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  const found = [];
  for (const [name, value] of Object.entries({ record, ctx, headers: record.headers, log: ctx.log, signal: ctx.signal, console, function: ctx.emit })) {
    try {
      const copy = structuredClone(value);
      for (const key of ["text", "emit", "get", "info", "aborted"]) if (copy[key] !== undefined) found.push(`${name}.${key}`);
    } catch { }
  }
  return found.join();
}
