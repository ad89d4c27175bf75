// attack: a source of twenty megabytes of code
// make: huge.js = "export const all = [" + "() => { return [1, 'two', {three: 3}]; },\n" * 400000 + "];"
// expect: problem E1206 | loads
// both: a quick machine loads it within the limits
// limits: load = "2s"
import { all } from "./huge.js";
export default () => "ok";
