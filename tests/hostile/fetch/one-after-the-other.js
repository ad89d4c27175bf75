// attack: requests without end, one after the other
// expect: wall limit E2102 | cpu limit E2101
// both: each takes a little CPU time
// limits: wall = "1s"
// manifest: [permissions]
// manifest: private-net = ["$SERVER"]
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  for (;;) await (await fetch("http://$SERVER/echo")).text();
}
