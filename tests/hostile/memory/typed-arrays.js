// attack: millions of small typed arrays and views
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  for (;;) all.push(new Float64Array(4), new DataView(new ArrayBuffer(8)));
}
