// attack: CPU time spent in reactions to what other records have made, so that others are found at work
// expect: cpu limit E2101
// limits: wall = "4s"
const never = [];
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return new Promise(() => {
    const again = () => {
      for (let i = 0; i < 3_000_000; i++);
      const { port1, port2 } = new MessageChannel();
      port2.onmessage = () => { port1.close(); again(); };
      port1.postMessage(1);
      never.push(port1);
    };
    setTimeout(again, 1);
  });
}
