// attack: an import from the folder of another function
// expect: problem E1203
import "./lib/../../neighbour/index.js";
