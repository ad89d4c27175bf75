// attack: two ports that answer each other for ever, while the handler waits
// expect: cpu limit E2101 | wall limit E2102
// both: each message takes a little CPU time
// limits: wall = "2s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => port1.postMessage(1);
  port2.onmessage = () => port2.postMessage(1);
  port1.postMessage(1);
  return new Promise(() => {});
}
