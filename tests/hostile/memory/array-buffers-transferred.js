// attack: buffers that grow by transfer, fixed ones into resizable ones and back
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
// limits: external = "32MiB"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  for (;;) {
    const fixed = new ArrayBuffer(1 << 20);
    const grown = fixed.transfer(8 << 20).transferToFixedLength(16 << 20);
    new Uint8Array(grown).fill(1);
    all.push(grown);
  }
}
