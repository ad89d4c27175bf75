// attack: a thrown object whose toString never comes back
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  throw { toString() { for (;;); }, get stack() { for (;;); }, get message() { for (;;); } };
}
