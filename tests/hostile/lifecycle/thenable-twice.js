// attack: an object to wait for that answers many times, in different ways
// expect: done
// result: "first"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return { then(done, fail) { done("first"); done("second"); fail(new Error("third")); throw new Error("fourth"); } };
}
