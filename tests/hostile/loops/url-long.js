// attack: addresses of megabytes that are parsed over and over, outside of the engine
// expect: cpu limit E2101 | memory limit E2103
// both: each is as large as its text
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const text = "http://xn--" + "\u00fc.".repeat(100_000) + "/" + "../%41/".repeat(100_000) + "?" + "a=b&".repeat(100_000);
  for (;;) {
    try { new URL(text); } catch { }
    new URLSearchParams("a=b&".repeat(50_000)).sort();
  }
}
