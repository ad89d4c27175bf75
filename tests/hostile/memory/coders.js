// attack: compression streams without end, whose windows lie outside of the heap
// expect: failed E2001 | memory limit E2103
// both: the buffer that stands for each is refused as an exception
// limits: cpu = "5s"
// limits: wall = "10s"
const kept = [];
export default function (record) {
  if (record.text() !== "attack") return "ok";
  for (let i = 0; i < 10_000; i++) kept.push(new CompressionStream("gzip"));
  return "made";
}
