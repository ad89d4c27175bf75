// attack: a source map inside the module that puts an error into a file of the machine
// make: mapped.js = "export function fail() { throw new Error('mapped'); }\n//# sourceMappingURL=data:application/json,{\"version\":3,\"sources\":[\"file:///etc/passwd\"],\"sourcesContent\":[\"x\"],\"names\":[],\"mappings\":\"AAAA\"}\n"
// expect: loads | failed E2001
// both: the error is the record's
import { fail } from "./mapped.js";
export default function (record) {
  if (record.text() !== "attack") return "ok";
  fail();
}
