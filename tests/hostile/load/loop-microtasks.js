// attack: microtasks without end at the top level
// expect: problem E1206
// limits: load = "300ms"
const again = () => Promise.resolve().then(again);
await again();
