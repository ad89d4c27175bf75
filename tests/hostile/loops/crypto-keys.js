// attack: pairs of keys of 16,384 bits
// expect: cpu limit E2101 | wall limit E2102 | crashed E2104 | failed E2001
// several: such a length may be refused, and nothing can interrupt the search for primes
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const kind = { name: "RSA-PSS", modulusLength: 16384, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" };
  await Promise.all(Array.from({ length: 10 }, () => crypto.subtle.generateKey(kind, true, ["sign", "verify"])));
  return "made";
}
