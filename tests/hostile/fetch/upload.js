// attack: a body to send that has no end
// expect: memory limit E2103 | wall limit E2102 | failed E2001 | cpu limit E2101
// several: it may be refused, or be gathered or sent until a limit strikes
// limits: cpu = "5s"
// limits: wall = "2s"
// manifest: [permissions]
// manifest: private-net = ["$SERVER"]
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const body = new ReadableStream({ pull(controller) { controller.enqueue(new Uint8Array(1 << 16)); } });
  await fetch("http://$SERVER/echo", { method: "POST", body, duplex: "half" });
  throw new Error("sent");
}
