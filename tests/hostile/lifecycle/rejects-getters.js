// attack: a promise rejected with an object whose getters throw
// expect: failed E2001
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const getter = { get() { throw this; }, configurable: true };
  const error = Object.create(Error.prototype, { name: getter, message: getter, stack: getter, cause: getter, errors: getter, toString: getter });
  throw error;
}
