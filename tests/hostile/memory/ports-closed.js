// attack: messages to ports that are closed, which nothing holds
// limits: cpu = "5s"
// limits: wall = "10s"
// expect: done
// result: "sent"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  for (let i = 0; i < 200; i++) {
    const { port1, port2 } = new MessageChannel();
    if (i % 2) port2.close();
    port1.postMessage(new Uint8Array(1 << 20));
    port1.close();
    port2.close();
  }
  return "sent";
}
