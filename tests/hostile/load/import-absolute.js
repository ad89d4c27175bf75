// attack: an import of a file by its absolute path
// expect: problem E1203
import "/etc/passwd";
