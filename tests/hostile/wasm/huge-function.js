// attack: one function of six megabytes, which is compiled when it is first called
// expect: loads | problem E1202 | problem E1204 | problem E1206 | cpu limit E2101 | memory limit E2103 | done | failed E2001
// several: a quick machine compiles it within the limits
// result: "run"
// limits: load = "2s"
// make: attack.wasm = "\x00asm\x01\x00\x00\x00\x01\x04\x01`\x00\x00\x03\x02\x01\x00\x07\x07\x01\x03run\x00\x00\x0a\x87\x9b\xee\x02\x01\x82\x9b\xee\x02\x00" + "A\x00\x1a" * 2000000 + "\x0b"
import module from "./attack.wasm";
export default function (record) {
  if (record.text() !== "attack") return "ok";
  new WebAssembly.Instance(module).exports.run();
  return "run";
}
