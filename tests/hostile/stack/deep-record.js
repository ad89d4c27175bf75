// attack: a record whose value is JSON nested half a million times over
// record: "[" * 500000 + "]" * 500000
// expect: undecodable E2003 | unserialisable E2004 | output limit E2006
// several: the engine may parse it, and then fail to write it, or write more than a result may be
// limits: cpu = "5s"
export default function (record) {
  const text = record.text();
  return text.startsWith("[[") ? { one: record.json(), other: record.json() } : "ok";
}
