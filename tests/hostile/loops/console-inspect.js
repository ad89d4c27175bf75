// attack: an endless loop in what the console calls to show a value
// expect: cpu limit E2101
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  const endless = () => { for (;;); };
  const value = {
    [Symbol.for("Deno.customInspect")]: endless,
    [Symbol.for("Deno.privateCustomInspect")]: endless,
    [Symbol.for("nodejs.util.inspect.custom")]: endless,
    get [Symbol.toStringTag]() { return endless(); },
  };
  console.log(value);
  ctx.log.info(new Proxy(value, { get: endless, ownKeys: endless }));
  console.log("%s %d %o", { toString: endless }, { valueOf: endless }, value);
  endless();
}
