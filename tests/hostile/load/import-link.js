// attack: an import through a link that leads out of the folder
// link: secret.js -> /etc/hostname
// link: up -> ..
// expect: problem E1203
import "./secret.js";
