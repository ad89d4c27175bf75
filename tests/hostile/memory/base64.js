// attack: texts in base64 of texts in base64
// expect: memory limit E2103 | failed E2001
// limits: cpu = "5s"
// limits: wall = "10s"
// both: a text may become too long for the engine
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  let text = "x".repeat(1 << 20);
  for (;;) {
    all.push(text, atob(btoa(text)));
    if (text.length < 50 << 20) text = btoa(text);
  }
}
