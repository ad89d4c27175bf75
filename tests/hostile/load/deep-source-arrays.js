// attack: arrays, objects and functions nested in a source
// make: deep.js = "export const deep = " + "[{a:()=>" * 50000 + "1" + "}]" * 50000
// expect: problem E1202 | problem E1206
// both: it is refused as a source or as too much to load
import { deep } from "./deep.js";
export default () => String(deep);
