// attack: messages of a megabyte for a port that nobody listens to, which lie outside of the heap
// expect: memory limit E2103 | pending limit E2105
// both: they may count as memory or as what is open
// limits: cpu = "5s"
// limits: wall = "10s"
// limits: external = "32MiB"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const { port1 } = new MessageChannel();
  const text = "x".repeat(1 << 20);
  for (;;) port1.postMessage(text);
}
