// attack: functions and receivers of the runtime by the call sites of Error.prepareStackTrace
// expect: done
// result: ""
export default function handler(record) {
  if (record.text() !== "attack") return "ok";
  const own = new Set();
  const found = [];
  Error.stackTraceLimit = 100;
  Error.prepareStackTrace = (error, sites) => sites;
  const collect = function collect() { return new Error("x").stack; };
  own.add(collect);
  own.add(handler);
  let all = [];
  const grab = (run) => { try { run(); } catch (error) { if (Array.isArray(error?.stack)) all.push(...error.stack); } };
  const direct = collect();
  if (Array.isArray(direct)) all.push(...direct);
  grab(() => record.headers.get({ toString() { throw new Error("inside"); } }));
  grab(() => new URL("no"));
  grab(() => structuredClone(() => {}));
  grab(() => atob("%"));
  grab(() => new TextDecoder("none"));
  [1].map(() => all.push(...[collect()].flat()));
  JSON.stringify({ toJSON() { all.push(...[collect()].flat()); } });
  for (const site of all) {
    if (typeof site !== "object") continue;
    const name = () => { try { return `${site.getFileName()}:${site.getFunctionName()}`; } catch { return "?"; } };
    for (const method of ["getFunction", "getThis"]) {
      let value;
      try { value = site[method]?.(); } catch { }
      if (typeof value === "function" && !own.has(value)) found.push(`${method} ${name()}`);
      if (typeof value === "object" && value !== null && value !== globalThis) found.push(`${method} ${name()}`);
    }
  }
  return [...new Set(found)].join();
}
