// attack: a default export that is a revoked Proxy of a function
// expect: problem E1205
const { proxy, revoke } = Proxy.revocable(() => "ok", {});
revoke();
export default proxy;
