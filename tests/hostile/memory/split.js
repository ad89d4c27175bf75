// attack: a string of 128 MiB, split into its characters inside the engine
// expect: memory limit E2103 | crashed E2104
// both: the engine may take too long until it looks for a stop
// limits: cpu = "5s"
// limits: wall = "10s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return "a".repeat((1 << 27) - 64).split("").length;
}
