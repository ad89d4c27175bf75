// attack: a JSON module nested a hundred thousand times over
// make: deep.json = "[" * 100000 + "]" * 100000
// expect: problem E1202 | problem E1206 | loads
// several: it is refused, or read by a parser that does not recurse
import deep from "./deep.json" with { type: "json" };
export default () => (deep ? "ok" : "no");
