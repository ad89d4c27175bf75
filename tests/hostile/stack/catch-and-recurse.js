// attack: recursion that catches the end of the stack and recurses again, exponentially
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  function deeper() {
    try { deeper(); } catch { deeper(); } finally { deeper(); }
  }
  deeper();
}
