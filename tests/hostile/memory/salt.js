// attack: a signature with a salt of four gigabytes
// limits: cpu = "5s"
// limits: wall = "10s"
// expect: failed E2001
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const algorithm = { name: "RSA-PSS", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" };
  const { privateKey } = await crypto.subtle.generateKey(algorithm, false, ["sign", "verify"]);
  await crypto.subtle.sign({ name: "RSA-PSS", saltLength: 2 ** 32 - 1 }, privateKey, new Uint8Array(1));
}
