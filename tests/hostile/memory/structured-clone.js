// attack: structuredClone of clones of clones
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  let value = { a: new Array(1000).fill(1), b: "x".repeat(1000) };
  for (;;) value = { a: structuredClone(value), b: structuredClone(value) };
}
