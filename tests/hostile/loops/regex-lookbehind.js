// attack: backtracking through back references and lookbehinds
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return /(?<=(?:(x+x+)+\1)+)y/.test("x".repeat(200)) ? "yes" : "no";
}
