// attack: making formatters and dates of the internationalisation library without end
// expect: cpu limit E2101 | memory limit E2103
// both: each formatter holds memory outside of the heap until it is collected
// limits: heap = "256MiB"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const kept = [];
  for (;;) kept.push(new Intl.DateTimeFormat("ar-u-nu-thai", { dateStyle: "full", timeZone: "Asia/Tokyo" }));
}
