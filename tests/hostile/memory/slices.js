// attack: slices of one byte, each of which holds on to a blob of megabytes
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
const kept = [];
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  for (let i = 0; ; i++) {
    kept.push(new Blob([new Uint8Array(8 << 20).fill(i)]).slice(0, 1));
    await new Promise((done) => setTimeout(done, 1));
  }
}
