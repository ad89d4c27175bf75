// attack: two-byte strings by padStart, replaceAll and toUpperCase
// expect: memory limit E2103 | failed E2001
// limits: cpu = "5s"
// limits: wall = "10s"
// both: the engine may refuse the string before it is made
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const kept = [];
  for (let i = 0; ; i++) {
    kept.push("\u0149".padStart(30_000_000, "\u0149").toUpperCase());
    kept.push("x".repeat(1000).replaceAll("x", "\u4e00".repeat(10_000 + i)));
  }
}
