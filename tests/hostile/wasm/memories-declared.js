// attack: a module that declares a thousand memories
// expect: problem E1207 | problem E1204 | problem E1206 | failed E2001 | memory limit E2103
// several: it may be refused when it is loaded, or when an instance is made
// limits: cpu = "5s"
// limits: external = "32MiB"
// make: attack.wasm = "\x00asm\x01\x00\x00\x00\x05\xd2\x0f\xe8\x07" + "\x00\x01" * 1000
import module from "./attack.wasm";
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return String(new WebAssembly.Instance(module));
}
