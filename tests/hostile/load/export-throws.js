// attack: a default export whose method is a getter that throws
// expect: problem E1205 | problem E1204
// both: what is exported is no handler, and something threw
export default { get record() { throw new Error("no"); } };
