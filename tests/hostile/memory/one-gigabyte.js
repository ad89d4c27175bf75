// attack: one object of a gibibyte
// expect: memory limit E2103 | crashed E2104 | failed E2001
// limits: cpu = "5s"
// limits: wall = "10s"
// several: the engine may refuse the length as an exception, or fill it without looking for a stop
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const all = new Array(128 << 20).fill(1.5);
  return String(all.length);
}
