// attack: strings that cost nothing until a regular expression makes them flat, at half a gigabyte
// expect: memory limit E2103 | failed E2001
// limits: cpu = "5s"
// limits: wall = "10s"
// both: the engine may refuse the string before it is made
export default function (record) {
  if (record.text() !== "attack") return "ok";
  let text = "ab";
  while (text.length < 500_000_000) text += text.length < 250_000_000 ? text : "c";
  return /c+d/.test(text) ? "yes" : "no";
}
