// attack: an endless loop in toString of the name of a header that is asked for
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return record.headers.get({ toString() { for (;;); } });
}
