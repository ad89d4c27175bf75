// attack: memories without end that JavaScript makes
// expect: memory limit E2103 | failed E2001
// both: a memory may be refused as an exception
// limits: cpu = "5s"
// limits: external = "32MiB"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  for (;;) {
    const memory = new WebAssembly.Memory({ initial: 16 });
    new Uint8Array(memory.buffer).fill(1);
    all.push(memory);
  }
}
