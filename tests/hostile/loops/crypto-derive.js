// attack: a key derived in four thousand million rounds, in a thread beside the isolate's
// expect: failed E2001 | cpu limit E2101 | wall limit E2102 | crashed E2104
// several: so many rounds are refused; nothing could interrupt them but the end of the process
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const key = await crypto.subtle.importKey("raw", new Uint8Array(16), "PBKDF2", false, ["deriveBits"]);
  await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-512", salt: new Uint8Array(16), iterations: 4294967295 }, key, 512);
  return "derived";
}
