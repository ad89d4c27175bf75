// attack: a promise rejected with null
// expect: failed E2001
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  throw null;
}
