// attack: digests of megabytes, thousands at once
// expect: cpu limit E2101 | memory limit E2103 | pending limit E2105 | crashed E2104 | wall limit E2102
// several: time, memory or the number of jobs may be found first
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const bytes = new Uint8Array(4 << 20);
  await Promise.all(Array.from({ length: 5000 }, () => crypto.subtle.digest("SHA-512", bytes)));
  return "digested";
}
