// attack: a fine clock, by counting what the given clocks show while code runs
// expect: done
// result: "coarse"
// limits: cpu = "5s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const seen = new Set();
  for (let i = 0; i < 200_000; i++) seen.add(performance.now() % 1);
  for (let i = 0; i < 1000; i++) seen.add(new Event("x").timeStamp % 1);
  return seen.size <= 1 ? "coarse" : "fine";
}
