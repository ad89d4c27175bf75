// attack: a chain of a hundred thousand Proxies, each asking the next
// expect: failed E2001 | unserialisable E2004
// both: the first question may be for `then` or for the keys
// limits: cpu = "5s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  let proxy = {};
  for (let i = 0; i < 100_000; i++) proxy = new Proxy(proxy, {});
  return proxy;
}
