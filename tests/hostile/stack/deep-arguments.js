// attack: calls with hundreds of thousands of arguments
// expect: failed E2001
// limits: cpu = "5s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const many = new Array(5_000_000).fill(1);
  return String(Math.max(...many));
}
