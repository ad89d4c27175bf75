// attack: an export that changes after it was loaded
// expect: done
// result: "changed"
export let handler = function (record) {
  if (record.text() !== "attack") return "ok";
  handler = () => { for (;;); };
  return "changed";
};
export { handler as default };
