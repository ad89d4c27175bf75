// attack: a table that grows from within
// expect: memory limit E2103 | failed E2001 | done
// result: "clamped"
// several: growing may be refused, or end the record
// limits: cpu = "5s"
// limits: external = "32MiB"
// make: attack.wasm = "\x00asm\x01\x00\x00\x00\x01\x06\x01`\x01\x7f\x01\x7f\x03\x02\x01\x00\x04\x04\x01p\x00\x01\x07\x10\x02\x04grow\x00\x00\x05table\x01\x00\x0a\x0b\x01\x09\x00\xd0p \x00\xfc\x0f\x00\x0b"
import module from "./attack.wasm";
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const { grow } = new WebAssembly.Instance(module).exports;
  const all = [];
  while (grow(100_000) !== -1) all.push(1);
  for (let i = 0; i < 20; i++) {
    const other = new WebAssembly.Instance(module).exports;
    while (other.grow(1_000_000) !== -1);
    all.push(other);
  }
  return "clamped";
}
