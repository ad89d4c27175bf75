// attack: module variables set just before a limit ends the isolate; its successor must know nothing of them
// expect: cpu limit E2101
// next: "fresh"
let state = "fresh";
export default function (record) {
  if (record.text() !== "attack") return state;
  state = globalThis.state = "stale";
  for (;;);
}
