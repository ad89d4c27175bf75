// attack: an endless loop in the tag of a template
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const tag = () => { for (;;); };
  return tag`a${1}b`;
}
