// attack: results of a few bytes, each of which keeps the value of its record, almost a megabyte
// record: "a" * 900000
// expect: output limit E2006
// limits: cpu = "5s"
// limits: wall = "10s"
export default function (record, ctx) {
  if (record.text().length < 1000) return "ok";
  for (let i = 0; i < 1000; i++) ctx.emit(record);
}
