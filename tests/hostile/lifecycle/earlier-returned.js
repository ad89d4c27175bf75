// attack: an earlier record as the result of a later one
// expect: done
// result: "kept"
// next: failed E2001
let kept;
export default function (record) {
  if (record.text() === "attack") {
    kept = record;
    return "kept";
  }
  return kept;
}
