// attack: calls into the host at the very end of the stack, where it has no room to fail in
// expect: done
// result: "survived"
// limits: cpu = "5s"
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  const calls = [
    () => record.text(), () => record.json(), () => record.bytes(), () => record.headers.entries(),
    () => record.headers.get("a"), () => record.topic, () => record.timestamp, () => ctx.deadline, () => ctx.signal,
    () => ctx.emit({ get a() { throw 1; } }), () => ctx.emit("x", { topic: "none" }), () => ctx.reject("x"),
    () => console.log({ a: [1, { b: 2 }] }), () => ctx.log.info("%o", {}), () => structuredClone({ a: 1 }),
    () => new URL("http://example.com/?a=b").searchParams.get("a"), () => new TextEncoder().encode("x"),
    () => new TextDecoder().decode(new Uint8Array(3)), () => setTimeout(() => {}, 1), () => queueMicrotask(() => {}),
    () => new AbortController().abort(), () => atob("eA=="), () => new Intl.NumberFormat("de").format(1.5),
    () => /(a+)+b/.exec("aaaa"), () => JSON.parse('{"a":[1]}'), () => JSON.stringify({ a: [1] }), () => 3n ** 100n,
    () => Promise.reject(new Error("x")).catch(() => {}), () => new Error("x").stack, () => Function("return 1"),
  ];
  for (const call of calls) {
    const deeper = () => {
      try { deeper(); } catch { }
      try { call(); } catch { }
    };
    let left = 40;
    const edge = () => {
      try {
        edge();
      } catch {
        if (left-- > 0) try { call(); } catch { }
      }
    };
    edge();
  }
  return "survived";
}
