// attack: finally blocks within finally blocks, each with an endless loop, to outlive several stops
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  function again(depth) {
    try {
      for (;;);
    } finally {
      if (depth > 0) again(depth - 1);
      for (;;);
    }
  }
  again(50);
}
