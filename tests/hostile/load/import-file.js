// attack: an import of a file by its address
// expect: problem E1203
import "file:///etc/passwd";
