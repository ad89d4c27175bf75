// attack: line breaks in header values, names, methods and addresses, and headers that only the connection may set
// expect: done
// result: ""
// manifest: [permissions]
// manifest: private-net = ["$SERVER"]
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const found = [];
  const tries = [
    { headers: { "x-a": "b\r\nx-evil: 1" } }, { headers: { "x-a\r\nx-evil": "1" } }, { headers: { "x-a": "b\nx-evil: 1" } }, { headers: { "x-a": "b\0x-evil: 1" } },
    { headers: [["x-a:b\r\nx-evil", "1"]] }, { method: "GET / HTTP/1.1\r\nx-evil: 1\r\n\r\nGET" }, { headers: { host: "evil.example" } }, { headers: { "transfer-encoding": "chunked, evil" } },
    { headers: { connection: "x-evil" } }, { method: "POST", body: "GET /evil HTTP/1.1\r\n\r\n", headers: { "content-length": "0" } }, { method: "CONNECT" }, { method: "TRACE" },
    { headers: new Proxy({}, { ownKeys: () => ["x-evil\r\n"], getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }), get: () => "a\r\nx-evil: 2" }) },
  ];
  for (const [index, init] of tries.entries()) {
    try {
      const seen = await (await fetch("http://$SERVER/echo", init)).text();
      const head = seen.split("\r\n\r\n")[0];
      if (/evil|CONNECT|TRACE/i.test(head)) found.push(index + ": " + head);
    } catch { }
  }
  try {
    const seen = await (await fetch("http://$SERVER/echo?\r\nx-evil:1\r\n")).text();
    if (/^x-evil/im.test(seen)) found.push("address");
  } catch { }
  return found.join();
}
