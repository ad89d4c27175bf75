// attack: modules that import each other in a chain of 1,500
// modules: 1500
// expect: done
// result: "1500"
// limits: load = "20s"
import { depth } from "./m0.js";
export default function (record) {
  return record.text() === "attack" ? String(depth) : "ok";
}
