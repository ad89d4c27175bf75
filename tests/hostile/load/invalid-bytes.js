// attack: a module that is no text
// make: bad.js = "\xff\xfe\x00" * 1000
// expect: problem E1202
import "./bad.js";
export default () => "ok";
