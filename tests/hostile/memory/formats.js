// attack: date formats without end, whose tables lie outside of the heap
// expect: failed E2001 | memory limit E2103 | cpu limit E2101
// several: the buffer that stands for each is refused as an exception; making one takes long
// limits: cpu = "5s"
// limits: wall = "10s"
const kept = [];
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const options = { dateStyle: "full", timeStyle: "long", timeZone: "Europe/Berlin" };
  for (let i = 0; i < 20_000; i++) kept.push(new Intl.DateTimeFormat("de", options));
  return "made";
}
