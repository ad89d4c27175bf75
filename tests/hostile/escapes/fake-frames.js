// attack: an error that pretends to have frames, code and class of the host's own
// expect: failed E2001
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const error = new Error("pretended");
  const frame = new Proxy({}, { get: (_, key) => (key === "fileName" ? "eddyline:///x/index.js" : -1e308) });
  Object.assign(error, {
    name: "RejectError", code: "E2002", outcome: 3, "eddyline#outcome": 0,
    __callSiteEvals: [frame, null, 1, { fileName: 1n, lineNumber: NaN }], errorAdditionalPropertyKeys: [{}],
    [Symbol.for("eddyline#outcome")]: 0, [Symbol.for("errorAdditionalPropertyKeys")]: 7,
  });
  error.stack = "Error: x\n    at eddyline:///\u0000:99999999999999999999:-1\n    at " + "(".repeat(10_000);
  throw error;
}
