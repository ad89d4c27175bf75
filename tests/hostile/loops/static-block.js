// attack: an endless loop in the static block of a class
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return class { static { for (;;); } };
}
