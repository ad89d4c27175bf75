// attack: texts that break parsers: control characters, halves of pairs, terminators, in logs, reasons and names
// expect: rejected E2002
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  const odd = "\u0000\u001b[31m\u2028\ud800\udfff\ufeff\r\n\"}{\\\u202e" + "\ud83d";
  ctx.log.error(odd, { [odd]: odd });
  console.log("%c%s%", odd, odd);
  console.group(odd);
  console.groupEnd();
  console.time(odd);
  console.count(odd);
  console.assert(false, odd);
  console.table([{ [odd]: odd }]);
  console.trace(odd);
  ctx.reject(odd.repeat(100));
}
