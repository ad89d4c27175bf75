// attack: a folder of 40 megabytes
// make: a.js = "//" + "x" * 20000000
// make: b.js = "//" + "x" * 20000000
// expect: problem E1006
export default () => "ok";
