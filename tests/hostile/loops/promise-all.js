// attack: Promise.race over an iterator without end
// expect: cpu limit E2101 | memory limit E2103
// both: each element takes memory too
// limits: heap = "256MiB"
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  function* endless() { for (;;) yield 1; }
  return Promise.race(endless());
}
