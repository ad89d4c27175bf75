// attack: a `then` on Object.prototype, which makes everything an object to wait for
// expect: done
// result: ["text"]
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  let calls = 0;
  Object.defineProperty(Object.prototype, "then", {
    configurable: true,
    get() { calls++; return undefined; },
  });
  await null;
  delete Object.prototype.then;
  return "text";
}
