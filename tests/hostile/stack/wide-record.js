// attack: a record whose value is JSON of many small values, parsed over and over
// record: "[" + "[]," * 100000 + "0]"
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: heap = "32MiB"
export default function (record) {
  const text = record.text();
  if (!text.startsWith("[[")) return "ok";
  const all = [];
  for (;;) all.push(record.json());
}
