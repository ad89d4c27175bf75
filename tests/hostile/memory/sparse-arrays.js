// attack: arrays with holes that are turned into dictionaries and back
// expect: memory limit E2103 | failed E2001
// limits: cpu = "5s"
// limits: wall = "10s"
// both: the engine may refuse a length as an exception
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  for (let i = 1; ; i++) {
    const sparse = [];
    sparse[i * 1000] = 1;
    sparse.length = i * 2000;
    all.push(sparse.fill(i), Array(i * 1000).concat(sparse));
  }
}
