// attack: a result with a hundred thousand headers
// expect: output limit E2006 | failed E2001 | too large E2202
// several: whoever counts first
// limits: cpu = "5s"
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  ctx.emit("x", { headers: Array.from({ length: 200_000 }, (_, i) => ["header " + i, "v"]) });
}
