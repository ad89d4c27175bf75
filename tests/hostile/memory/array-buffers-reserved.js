// attack: resizable ArrayBuffers that use nothing and reserve gigabytes of addresses each
// expect: memory limit E2103 | failed E2001
// limits: cpu = "5s"
// limits: wall = "10s"
// both: a reservation may be refused as an exception
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  for (;;) all.push(new ArrayBuffer(0, { maxByteLength: 2 ** 33 }));
}
