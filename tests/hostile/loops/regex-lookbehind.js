// attack: backtracking through back references and lookbehinds
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return /(?<=^y(x+x+)+)!/.test("x".repeat(60) + "!") ? "yes" : "no";
}
