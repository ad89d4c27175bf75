// attack: CPU time taken in small slices between timers, so that no slice alone is over the limit
// expect: cpu limit E2101
// limits: cpu = "50ms"
// limits: wall = "4s"
function burn() {
  let x = 1;
  for (let i = 0; i < 2_000_000; i++) x = (x * 31 + i) | 0;
  return x;
}
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  for (;;) {
    burn();
    await new Promise((done) => setTimeout(done, 1));
  }
}
