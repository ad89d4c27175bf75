// attack: a body to send of hundreds of megabytes
// expect: memory limit E2103 | failed E2001
// both: it may be refused as an exception, or be too much to hold
// limits: cpu = "5s"
// limits: wall = "5s"
// limits: heap = "1GiB"
// limits: external = "64MiB"
// manifest: [permissions]
// manifest: private-net = ["$SERVER"]
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  await fetch("http://$SERVER/echo", { method: "POST", body: "x".repeat(300 << 20) });
  throw new Error("sent");
}
