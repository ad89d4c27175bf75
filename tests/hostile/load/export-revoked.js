// attack: a default export that is a revoked Proxy of a function
// expect: problem E1205 | loads
// both: it looks like a function until it is called
// next: failed E2001
const { proxy, revoke } = Proxy.revocable(() => "ok", {});
revoke();
export default proxy;
