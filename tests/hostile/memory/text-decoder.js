// attack: texts that TextDecoder makes of bytes
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const bytes = new Uint8Array(4 << 20).fill(0xe9);
  const decoder = new TextDecoder("latin1");
  const all = [];
  for (;;) all.push(decoder.decode(bytes));
}
