// attack: an import out of the folder, with escapes
// expect: problem E1203
import "./%2e%2e/neighbour/index.js";
