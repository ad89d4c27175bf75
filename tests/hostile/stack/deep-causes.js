// attack: an uncaught error with a hundred thousand causes
// expect: failed E2001
// limits: cpu = "5s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  let error = new Error("deepest");
  for (let i = 0; i < 100_000; i++) error = new Error("e", { cause: error });
  throw error;
}
