// attack: a JSON module nested a hundred thousand times over
// make: deep.json = "[" * 100000 + "]" * 100000
// expect: problem E1202 | problem E1206
// both: it is refused as a source or as too much to load
import deep from "./deep.json" with { type: "json" };
export default () => String(deep.length);
