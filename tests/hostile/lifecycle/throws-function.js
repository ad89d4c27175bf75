// attack: functions, classes and huge numbers thrown
// expect: failed E2001
export default function (record) {
  if (record.text() !== "attack") return "ok";
  throw class extends null { static [Symbol.toPrimitive]() { throw 10n ** 1000n; } };
}
