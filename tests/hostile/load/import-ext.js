// attack: an import of a script of the runtime
// expect: problem E1203
import "ext:core/mod.js";
