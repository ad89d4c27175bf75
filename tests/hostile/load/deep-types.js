// attack: types nested in a source in TypeScript
// make: deep.ts = "export type Deep = " + "Array<" * 100000 + "1" + ">" * 100000 + "; export const deep = 1;"
// expect: problem E1202 | problem E1206
// both: it is refused as a source or as too much to load
import { deep } from "./deep.ts";
export default () => String(deep);
