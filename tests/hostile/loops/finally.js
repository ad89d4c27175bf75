// attack: a finally block that throws away what ends its loop
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  for (;;) {
    try {
      for (;;);
    } finally {
      continue;
    }
  }
}
