// attack: objects that pretend to be records: by inheritance, by Proxy, by the private members of a returned base
// expect: done
// result: "[{},{},{}]"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  class Stamp extends function (object) { return object; } {
    #number = 12345;
    constructor(object) { super(object); }
  }
  try { new Stamp(record); } catch { }
  return [Object.create(record), new Proxy(record, {}), Object.create(Object.getPrototypeOf(record))];
}
