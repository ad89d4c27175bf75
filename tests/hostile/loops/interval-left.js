// attack: an interval that burns CPU time and is left behind as the handler returns
// expect: done
// result: "returned"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  setInterval(() => { for (;;); }, 1);
  return "returned";
}
