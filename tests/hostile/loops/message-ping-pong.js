// attack: two ports that answer each other for ever, left behind as the handler returns
// expect: done
// result: "left"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => port1.postMessage(1);
  port2.onmessage = () => port2.postMessage(1);
  port1.postMessage(1);
  return "left";
}
