// attack: promises of a class whose then, constructor and species do harm
// expect: done | failed E2001 | cpu limit E2101
// result: "settled"
// several: it may be taken as it is, fail, or be asked and never answer
export default function (record) {
  if (record.text() !== "attack") return "ok";
  class Odd extends Promise {
    then() { for (;;); }
    static get [Symbol.species]() { return function () { for (;;); }; }
  }
  Object.defineProperty(Odd.prototype, "constructor", { get: () => Odd });
  return Odd.resolve("settled");
}
