// attack: tables without end
// expect: memory limit E2103 | failed E2001
// both: a table may be refused as an exception
// limits: cpu = "5s"
// limits: external = "32MiB"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  for (;;) all.push(new WebAssembly.Table({ initial: 1_000_000, element: "anyfunc" }));
}
