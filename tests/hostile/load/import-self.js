// attack: a module that waits for its own import
// expect: problem E1204 | problem E1206
// both: whether it is noticed at once or by the time it takes
// limits: load = "300ms"
await import("./index.js");
export default () => "ok";
