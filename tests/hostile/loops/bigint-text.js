// attack: turning whole numbers with millions of digits into text and back
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const big = 1n << 20_000_000n;
  for (;;) BigInt(big.toString(10));
}
