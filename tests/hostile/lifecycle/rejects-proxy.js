// attack: a promise rejected with a Proxy whose traps all throw
// expect: failed E2001
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const trap = () => { throw new Error("trap"); };
  throw new Proxy(new Error("x"), new Proxy({}, { get: () => trap }));
}
