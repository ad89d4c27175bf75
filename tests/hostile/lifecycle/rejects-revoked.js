// attack: a promise rejected with a revoked Proxy
// expect: failed E2001
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const { proxy, revoke } = Proxy.revocable(new Error("x"), {});
  revoke();
  throw proxy;
}
