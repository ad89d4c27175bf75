// attack: results of a megabyte without end
// expect: output limit E2006
// limits: cpu = "5s"
// limits: wall = "10s"
// limits: external = "32MiB"
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  const bytes = new Uint8Array(900_000);
  for (;;) ctx.emit(bytes);
}
