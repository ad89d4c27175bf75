// attack: loops within loops that go on by label
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  let n = 0;
  outer: while (true) {
    middle: do {
      for (;;) {
        n++;
        if (n % 3) continue middle;
        if (n % 5) continue outer;
      }
    } while (true);
  }
}
