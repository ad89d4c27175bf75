// attack: a default export whose method is an endless getter
// expect: problem E1206
// limits: load = "300ms"
export default { get record() { for (;;); } };
