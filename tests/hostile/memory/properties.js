// attack: one object with properties without end, and a class for each
// expect: memory limit E2103 | failed E2001
// limits: cpu = "5s"
// limits: wall = "10s"
// both: the engine may refuse more properties as an exception
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const object = {};
  for (let i = 0; ; i++) {
    object["property" + i] = class { static x = i; };
  }
}
