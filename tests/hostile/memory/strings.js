// attack: a string that is doubled and made flat each time
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  let text = "x";
  const kept = [];
  for (;;) {
    text = text.length < 100_000_000 ? text + text : "y";
    text.charCodeAt(text.length - 1);
    kept.push(text);
  }
}
