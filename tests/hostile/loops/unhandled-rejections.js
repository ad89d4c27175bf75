// attack: a listener for unhandled rejections that leaves another rejection each time it hears of one
// expect: done | cpu limit E2101
// result: "left"
// both: it may be found before or after the handler has returned
export default function (record) {
  if (record.text() !== "attack") return "ok";
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    Promise.reject(new Error("again"));
  });
  Promise.reject(new Error("first"));
  return "left";
}
