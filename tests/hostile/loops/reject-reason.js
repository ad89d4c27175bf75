// attack: an endless loop in the text of a reason to reject
// expect: cpu limit E2101
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  ctx.reject({ get message() { for (;;); } });
}
