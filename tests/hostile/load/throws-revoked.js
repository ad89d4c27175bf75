// attack: a revoked Proxy thrown at the top level
// expect: problem E1204
const { proxy, revoke } = Proxy.revocable({}, {});
revoke();
throw proxy;
