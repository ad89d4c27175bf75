// attack: an endless loop in Symbol.hasInstance
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return {} instanceof { [Symbol.hasInstance]() { for (;;); } };
}
