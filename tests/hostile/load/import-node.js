// attack: an import of a module of Node
// expect: problem E1203
import "node:fs";
