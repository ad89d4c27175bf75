// attack: copies of the bytes and the text of a record, which the host makes
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
// limits: external = "32MiB"
// limits: heap = "64MiB"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  for (;;) all.push(record.bytes(), record.keyBytes, record.headers.entries(), record.text());
}
