// attack: a chain of a hundred thousand promises that wait for each other
// expect: done
// result: "end"
// limits: cpu = "5s"
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  let last = new Promise((done) => setTimeout(() => done("end"), 1));
  for (let i = 0; i < 100_000; i++) {
    const before = last;
    last = i % 2 ? before.then((value) => value) : new Promise((done) => done(before));
  }
  return last;
}
