// attack: results without end, with each refusal caught, and one more returned
// expect: output limit E2006
// limits: cpu = "5s"
// limits: wall = "10s"
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  for (let i = 0; i < 5000; i++) {
    try {
      ctx.emit("x");
    } catch {
      continue;
    }
  }
  return "one more";
}
