// attack: listeners for errors that throw, report and dispatch further errors
// expect: done | log limit E2106 | cpu limit E2101 | failed E2001
// result: "left"
// several: it may be found before or after the handler has returned, or end at the end of the stack
export default function (record) {
  if (record.text() !== "attack") return "ok";
  globalThis.addEventListener("error", (event) => {
    queueMicrotask(() => { throw new Error("again"); });
    globalThis.dispatchEvent(new ErrorEvent("error", { error: event.error }));
    reportError(new Error("reported"));
    throw new Error("thrown");
  });
  reportError(new Error("first"));
  return "left";
}
