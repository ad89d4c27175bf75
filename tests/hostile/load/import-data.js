// attack: an import of code from an address that holds it
// expect: problem E1203
import "data:text/javascript,globalThis.leaked=1";
