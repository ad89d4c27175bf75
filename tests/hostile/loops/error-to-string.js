// attack: a thrown object whose toString never comes back
// expect: cpu limit E2101 | failed E2001
// both: whether what is thrown is read or not
export default function (record) {
  if (record.text() !== "attack") return "ok";
  throw { toString() { for (;;); }, get stack() { for (;;); }, get message() { for (;;); } };
}
