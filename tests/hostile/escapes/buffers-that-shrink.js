// attack: buffers that are detached by getters while the host is about to copy them; they could be shrunk too if any were made
// expect: done
// result: "survived"
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  const run = (attempt) => { try { attempt(); } catch { } };
  for (let round = 0; round < 50; round++) {
    let resizable = new ArrayBuffer(1 << 16);
    run(() => { resizable = new ArrayBuffer(1 << 16, { maxByteLength: 1 << 20 }); });
    run(() => { resizable = Reflect.construct(ArrayBuffer, [1 << 16, { maxByteLength: 1 << 20 }], Object); });
    run(() => { resizable = new resizable.constructor(1 << 16, { get maxByteLength() { return 1 << 20; } }); });
    if (resizable.resizable) return "a buffer can be resized";
    const view = new Uint8Array(resizable);
    run(() => record.headers.get({ toString() { resizable.resize(0); return "a"; } }));
    const key = new Uint8Array(resizable, 0);
    run(() => new TextDecoder().decode(view, { get stream() { resizable.resize(1); return true; } }));
    const fixed = new Uint8Array(1 << 16);
    run(() => new TextDecoder().decode(fixed, { get stream() { fixed.buffer.transfer(); return false; } }));
    run(() => new TextEncoder().encodeInto("x".repeat(1000), new Uint8Array(resizable)));
    run(() => crypto.getRandomValues(view));
    run(() => structuredClone(resizable, { get transfer() { resizable.resize(2); return [resizable]; } }));
    void key;
  }
  return "survived";
}
