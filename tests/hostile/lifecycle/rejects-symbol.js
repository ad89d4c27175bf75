// attack: a promise rejected with a symbol
// expect: failed E2001
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  throw Symbol("reason");
}
