// attack: memories that reserve addresses and use none, with each refusal caught
// expect: memory limit E2103 | cpu limit E2101
// both: either what is held or the time it takes is too much
// limits: cpu = "1s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  for (;;) {
    try { all.push(new WebAssembly.Memory({ initial: 0, maximum: 65536 })); } catch { }
  }
}
