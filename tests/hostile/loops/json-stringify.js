// attack: a value that is small in memory and endless as JSON
// expect: output limit E2006 | cpu limit E2101 | memory limit E2103 | unserialisable E2004
// several: whichever limit is reached first
export default function (record) {
  if (record.text() !== "attack") return "ok";
  let wide = "x";
  for (let i = 0; i < 40; i++) wide = [wide, wide, wide, wide];
  return wide;
}
