// attack: a flood of the console with long lines, each caught
// expect: log limit E2106
// limits: cpu = "5s"
// limits: wall = "10s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const line = "x".repeat(10_000);
  for (;;) {
    try {
      console.error(line);
    } catch {
      continue;
    }
  }
}
