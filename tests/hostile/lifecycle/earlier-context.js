// attack: the context of an earlier record, used while a later one runs
// expect: done
// result: "kept"
// next: "refused"
let kept;
export default function (record, ctx) {
  if (record.text() === "attack") {
    kept = ctx;
    return "kept";
  }
  try {
    kept.emit("forged");
    return "forged";
  } catch {
    return kept === undefined ? "none" : "refused";
  }
}
