// attack: machine code without end: closures that are each made hot
// expect: memory limit E2103 | cpu limit E2101
// both: making code takes time and memory
// limits: cpu = "5s"
// limits: wall = "10s"
// limits: heap = "32MiB"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  for (let n = 0; ; n++) {
    const make = () => class { #a = n; [`m${n}`](x) { let s = 0; for (let i = 0; i < 10; i++) s += x * i + this.#a; return s; } };
    const one = new (make())();
    for (let i = 0; i < 2000; i++) one[`m${n}`](i);
    all.push(one, /(a|b)*c/.exec("ab" + n));
  }
}
