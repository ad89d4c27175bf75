// attack: keys derived in a thread beside the isolate's, by invocations that are stopped meanwhile, so that the threads outlive their isolates
// expect: wall limit E2102 | crashed E2104
// both: the worker ends if the native code goes on for too long, which depends on the machine
// limits: wall = "20ms"
// attempts: 3
// next: "ok"
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const key = await crypto.subtle.importKey("raw", new Uint8Array(8), "PBKDF2", false, ["deriveBits"]);
  for (let i = 0; i < 8; i++) {
    crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-512", salt: new Uint8Array(8), iterations: 9_999_999 }, key, 160);
  }
  await new Promise((done) => setTimeout(done, 2));
  for (;;);
}
