// attack: an earlier record, read and returned while a later one runs
// expect: done
// result: "kept"
// next: "refused"
let kept;
export default function (record) {
  if (record.text() === "attack") {
    kept = [record, record.headers];
    return "kept";
  }
  const got = [];
  for (const read of [() => kept[0].text(), () => kept[0].json(), () => kept[0].keyBytes, () => kept[1].entries(), () => kept[1].get("a"), () => kept[0].topic]) {
    try { got.push(read()); } catch { }
  }
  return got.length === 0 ? "refused" : "read";
}
