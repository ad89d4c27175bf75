// attack: powers and products of whole numbers with millions of digits
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  let big = 3n ** 300_000n;
  for (;;) big = (big * big) % (7n ** 300_000n);
}
