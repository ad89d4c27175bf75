// attack: work on texts that is done by libraries outside the engine: normalising, comparing, upper case, segments
// expect: cpu limit E2101 | memory limit E2103
// both: the results are as large as the texts
// limits: heap = "256MiB"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const text = "\u1E9B\u0323\u0130ﬃ".repeat(200_000);
  for (;;) {
    text.normalize("NFKD");
    text.localeCompare(text + "x");
    text.toLocaleUpperCase("tr");
    [...new Intl.Segmenter("th").segment(text)].length;
  }
}
