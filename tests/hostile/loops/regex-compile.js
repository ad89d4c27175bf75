// attack: regular expressions that take ages, or too much memory, to compile
// expect: failed E2001 | cpu limit E2101 | memory limit E2103 | crashed E2104
// several: the engine's compiler counts its memory in zones, which no limit of a heap sees
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const nested = "((((((a{1,60}){1,60}){1,60}){1,60}){1,60}){1,60})b";
  for (let i = 0; ; i++) new RegExp(nested + i, "v").test("aaaa");
}
