// attack: code from a string, by timers
// expect: done | failed E2001
// result: "undefined"
// both: a text may be refused with an exception
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  setTimeout("globalThis.pwned = 1", 0);
  setInterval("globalThis.pwned = 1", 0);
  await new Promise((done) => setTimeout(done, 20));
  return typeof globalThis.pwned;
}
