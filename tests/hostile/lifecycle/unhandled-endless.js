// attack: a rejection left behind whose reason never comes back when it is shown in the log
// expect: done
// result: "left"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const endless = () => { for (;;); };
  Promise.reject({ [Symbol.for("Deno.customInspect")]: endless, [Symbol.for("Deno.privateCustomInspect")]: endless, [Symbol.for("nodejs.util.inspect.custom")]: endless, get [Symbol.toStringTag]() { return endless(); } });
  return "left";
}
