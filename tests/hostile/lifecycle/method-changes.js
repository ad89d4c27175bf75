// attack: a method of the export that is replaced by a getter after it was loaded
// expect: done
// result: "changed"
const handlers = {
  record(record) {
    if (record.text() !== "attack") return "ok";
    Object.defineProperty(handlers, "record", { get() { for (;;); } });
    Object.defineProperty(handlers, "batch", { get() { for (;;); } });
    return "changed";
  },
};
export default handlers;
