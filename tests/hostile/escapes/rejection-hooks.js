// attack: handlers of rejections and errors on the global object, which hear of what is not theirs
// expect: done
// result: "survived"
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  globalThis.onunhandledrejection = () => { throw new Error("hook"); };
  globalThis.onerror = () => { throw new Error("hook"); };
  globalThis.onrejectionhandled = () => { throw new Error("hook"); };
  globalThis.addEventListener?.("unhandledrejection", (event) => { event.preventDefault(); throw new Error("listener"); });
  Promise.reject(new Error("left"));
  globalThis.reportError?.(new Error("reported"));
  await new Promise((done) => setTimeout(done, 5));
  for (const name of ["onunhandledrejection", "onerror", "onrejectionhandled"]) delete globalThis[name];
  return "survived";
}
