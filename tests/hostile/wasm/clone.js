// attack: a module that is cloned, and sent through a channel, to get code from elsewhere in
// expect: done
// result: "survived"
// make: attack.wasm = "\x00asm\x01\x00\x00\x00\x01\x04\x01`\x00\x00\x03\x02\x01\x00\x07\x07\x01\x03run\x00\x00\x0a\x05\x01\x03\x00\x00\x0b"
import module from "./attack.wasm";
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  try { structuredClone(module); } catch { }
  try { structuredClone({ a: [module] }, { transfer: [module] }); } catch { }
  try { new MessageChannel().port1.postMessage(module); } catch { }
  try { await import("./attack.wasm", { with: { type: "json" } }); } catch { }
  try { await import("./attack.wasm"); } catch { }
  return "survived";
}
