// attack: a promise that never settles
// expect: wall limit E2102
// limits: wall = "300ms"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return new Promise(() => {});
}
