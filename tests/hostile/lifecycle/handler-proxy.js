// attack: a handler that is a Proxy of a function, with traps for how it is called
// expect: done
// result: "trapped"
export default new Proxy(function () {}, {
  apply(_, receiver, [record, ctx]) {
    if (record.text() !== "attack") return "ok";
    return receiver === undefined && ctx ? "trapped" : "caught a receiver";
  },
});
