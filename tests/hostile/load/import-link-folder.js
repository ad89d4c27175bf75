// attack: an import through a link to the folder above
// link: up -> ..
// expect: problem E1203
import "./up/neighbour/index.js";
