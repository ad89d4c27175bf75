// attack: random bytes, identifiers and digests without end
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
// limits: external = "32MiB"
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  for (;;) {
    all.push(crypto.getRandomValues(new Uint8Array(65_536)), crypto.randomUUID());
    all.push(await crypto.subtle.digest("SHA-512", all.at(-2)));
  }
}
