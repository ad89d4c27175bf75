// attack: everything that is thrown is caught, endlessly
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  for (;;) {
    try {
      for (;;) null.x;
    } catch {
      continue;
    }
  }
}
