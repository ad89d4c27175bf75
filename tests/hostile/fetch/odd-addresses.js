// attack: the machine itself and the address of clouds for their secrets, in odd spellings
// expect: done
// result: ""
// manifest: [permissions]
// manifest: private-net = ["$SERVER"]
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const found = [];
  const hosts = [
    "127.0.0.2", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:7f00:0001]", "[::7f00:1]", "[64:ff9b::7f00:1]", "[fe80::1]", "\u2460\u2461\u2466.0.0.1", "127\u30020\u30020\u30021", "localhost",
    "169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "metadata.google.internal",
  ];
  await Promise.all(hosts.map(async (host) => {
    try { const answer = await fetch("http://" + host + ":$CANARY_PORT/"); found.push(host + " " + answer.status); } catch { }
  }));
  return found.join();
}
