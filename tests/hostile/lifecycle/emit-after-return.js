// attack: results emitted by what a handler left behind, after it has returned
// expect: done
// result: "returned"
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  const late = () => { try { ctx.emit("late"); } catch { } };
  setTimeout(late, 1);
  AbortSignal.timeout(1).addEventListener("abort", late);
  if (typeof MessageChannel !== "undefined") {
    const { port1, port2 } = new MessageChannel();
    port2.onmessage = late;
    port1.postMessage(1);
  }
  return "returned";
}
