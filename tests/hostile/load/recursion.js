// attack: recursion without end at the top level
// expect: problem E1204
const deeper = (n) => deeper(n + 1) + 1;
deeper(0);
export default () => "ok";
