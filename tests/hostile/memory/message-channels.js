// attack: channels of messages without end
// expect: memory limit E2103 | pending limit E2105
// both: they may count as memory or as what is open
// limits: cpu = "5s"
// limits: wall = "10s"
// limits: heap = "32MiB"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  for (;;) all.push(new MessageChannel());
}
