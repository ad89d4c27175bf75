// attack: a top level that waits for a promise that nothing settles
// expect: problem E1204 | problem E1206
// both: whether it is noticed at once or by the time it takes
// limits: load = "300ms"
await new Promise(() => {});
