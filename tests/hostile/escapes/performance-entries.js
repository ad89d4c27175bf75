// attack: entries, observers and clocks of performance and of events that would show how long others take
// expect: done
// result: ""
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const found = [];
  performance.mark("a");
  performance.measure("b", "a");
  for (const entry of performance.getEntries()) if (entry.startTime % 1 !== 0 || entry.duration % 1 !== 0) found.push(entry.name);
  if (performance.now() % 1 !== 0) found.push("now");
  if (performance.timeOrigin % 1 !== 0) found.push("origin");
  if (new Event("x").timeStamp % 1 !== 0) found.push("event");
  if (typeof PerformanceObserver !== "undefined") found.push("observer");
  if (globalThis.Temporal?.Now.instant().epochNanoseconds % 1_000_000n) found.push("Temporal");
  if (typeof crypto.timingSafeEqual !== "undefined") found.push("timing");
  return found.join();
}
