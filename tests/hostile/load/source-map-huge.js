// attack: a source map of millions of lines inside the module, read when an error is to be shown
// make: mapped.js = "export function fail() { throw new Error('mapped'); }\n//# sourceMappingURL=data:application/json;base64,eyJ2ZXJzaW9uIjozLCJzb3VyY2VzIjpbIi9ldGMvcGFzc3dkIl0sIm5hbWVzIjpbXSwibWFwcGluZ3MiOiAi"
// make: mapped.js = "O0FBQUE7QUFBQTtBQUFB" * 800000
// make: mapped.js = "In0=\n"
// expect: loads | problem E1206 | failed E2001 | cpu limit E2101 | memory limit E2103
// several: it may be left out, or take too much to load or to read
import { fail } from "./mapped.js";
export default function (record) {
  if (record.text() !== "attack") return "ok";
  fail();
}
