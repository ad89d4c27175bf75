// attack: code from a string, by the constructors of all kinds of functions and by eval, direct and not
// expect: done
// result: ""
export default async function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  const constructors = {
    plain: (() => {}).constructor,
    generator: (function* () {}).constructor,
    asynchronous: (async () => {}).constructor,
    both: (async function* () {}).constructor,
    host: record.text.constructor,
    emit: ctx.emit.constructor,
    global: Function,
    reflected: (...code) => Reflect.construct(Function, code),
    subclass: class extends Function {},
    indirect: (code) => (0, eval)(code),
    direct: (code) => eval(code),
  };
  const made = [];
  for (const [name, make] of Object.entries(constructors)) {
    try {
      try { make("globalThis.leaked = 1"); } catch (error) { if (!/class/i.test(error.message)) throw error; new make("return 1"); }
      made.push(name);
    } catch { }
  }
  return made.join();
}
