// attack: addresses and their parameters without end
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  for (let i = 0; ; i++) {
    const url = new URL("http://example.com/" + i);
    for (let n = 0; n < 10; n++) url.searchParams.append("name" + n, "v".repeat(100));
    all.push(url);
  }
}
