// attack: an expression of a hundred thousand operators, which need no parentheses to be deep
// make: deep.js = "export const deep = 1" + " + 1" * 100000
// expect: problem E1202 | problem E1206 | loads
// several: the engine's own compiler may manage or refuse it
import { deep } from "./deep.js";
export default () => "ok";
