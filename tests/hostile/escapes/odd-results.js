// attack: keys, headers, times and partitions at the edges of what may be written
// expect: done
// result: "survived"
export default function (record, ctx) {
  if (record.text() !== "attack") return "ok";
  const odd = [
    { topic: "" }, { topic: "__consumer_offsets" }, { topic: "_eddyline.registry" }, { topic: "../x" }, { partition: -1 },
    { partition: 2 ** 31 }, { partition: 0.5 }, { partition: "0" }, { timestamp: -1 }, { timestamp: Infinity },
    { timestamp: new Date(NaN) }, { timestamp: 2 ** 53 }, { key: {} }, { key: 1 }, { headers: [["a"]] }, { headers: [[1, "b"]] },
    { headers: [[Symbol(), "b"]] }, { headers: { a: {} } }, { headers: new Map() }, { headers: 7 }, 7, "x",
  ];
  const written = [];
  for (const options of odd) {
    // What is left out by mistake would be written to the sink, and be found there.
    try { ctx.emit("odd", options); written.push(options); } catch { }
  }
  return written.filter((options) => typeof options?.partition !== "number").length === 0 ? "survived" : JSON.stringify(written);
}
