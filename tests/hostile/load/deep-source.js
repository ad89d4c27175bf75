// attack: a source nested a hundred thousand times over, which the parser recurses into
// make: deep.js = "export const deep = " + "(" * 100000 + "1" + ")" * 100000
// expect: problem E1202 | problem E1206
// both: it is refused as a source or as too much to load
import { deep } from "./deep.js";
export default () => String(deep);
