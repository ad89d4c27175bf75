// attack: the functions of the glue by `caller`, `callee` and `arguments`
// expect: done
// result: ""
export default function handler(record) {
  if (record.text() !== "attack") return "ok";
  const found = [];
  const look = (name, read) => { try { if (read()) found.push(name); } catch { } };
  look("callee", () => arguments.callee);
  look("caller", () => handler.caller);
  look("arguments", () => handler.arguments);
  look("accessor", () => Object.getOwnPropertyDescriptor(Function.prototype, "caller").get.call(handler));
  const inner = { toString() { look("inner", () => inner.toString.caller); return "a"; } };
  record.headers.get(inner);
  for (const method of [record.text, record.headers.get, setTimeout, console.log, structuredClone]) {
    look("host caller", () => method.caller);
    look("host arguments", () => method.arguments);
  }
  return found.join();
}
