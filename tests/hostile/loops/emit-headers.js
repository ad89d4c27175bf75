// attack: headers as an array that claims four thousand million pairs
// expect: cpu limit E2101 | failed E2001
// both: it may be refused before it is walked
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  const pair = ["a", "b"];
  ctx.emit("x", { headers: new Proxy([], { get: (_, key) => (key === "length" ? 4294967295 : pair) }) });
}
