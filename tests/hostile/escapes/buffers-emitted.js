// attack: results, keys and headers in buffers that other options' getters shrink and detach before they are copied
// expect: output limit E2006 | done | failed E2001
// result: "returned"
// several: what is left of the buffers may be written or refused; nothing else may be written
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  for (let round = 0; round < 20; round++) {
    const value = new Uint8Array(new ArrayBuffer(1 << 12, { maxByteLength: 1 << 20 }));
    const key = new Uint8Array(1 << 10);
    try {
      ctx.emit(value, { key, get headers() { value.buffer.resize(0); key.buffer.transfer(); return {}; }, topic: "not declared" });
    } catch { }
  }
  return "returned";
}
