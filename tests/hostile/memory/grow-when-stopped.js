// attack: code that goes on to take memory in finally blocks after the limit has struck
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  function take(depth) {
    try {
      for (;;) all.push(new Array(100_000).fill(depth));
    } finally {
      if (depth < 1000) take(depth + 1);
    }
  }
  take(0);
}
