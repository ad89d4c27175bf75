// attack: an endless loop in the static block of a class at the top level
// expect: problem E1206
// limits: load = "300ms"
export default class {
  static { for (;;); }
}
