// attack: WeakMaps, WeakRefs and finalizers that keep each other busy
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const registry = new FinalizationRegistry((held) => { for (;;) kept.push(held); });
  const map = new WeakMap();
  const kept = [];
  for (;;) {
    const key = {};
    map.set(key, { key, next: kept.at(-1) });
    registry.register({}, kept);
    kept.push(new WeakRef(key), key);
  }
}
