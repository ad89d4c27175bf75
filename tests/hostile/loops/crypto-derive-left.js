// attack: keys derived in millions of rounds that nobody waits for
// expect: done | cpu limit E2101 | crashed E2104
// result: "left"
// several: what is left behind may be found before or after the handler has returned
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const key = await crypto.subtle.importKey("raw", new Uint8Array(16), "PBKDF2", false, ["deriveBits"]);
  for (let i = 0; i < 50; i++) {
    crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-512", salt: new Uint8Array(16), iterations: 9_999_999 }, key, 160).catch(() => {});
  }
  return "left";
}
