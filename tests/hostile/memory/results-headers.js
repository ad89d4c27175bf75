// attack: results that are small and have keys and headers of megabytes
// expect: output limit E2006 | memory limit E2103
// limits: cpu = "20s"
// limits: wall = "30s"
// both: what the host holds for a function counts as its memory too
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  const large = "h".repeat(1 << 20);
  const headers = Object.fromEntries(Array.from({ length: 900 }, (_, i) => ["h" + i, large]));
  for (;;) ctx.emit("x", { key: large, headers });
}
