// attack: an error thrown at the top level whose message never comes back when it is read
// expect: problem E1204 | problem E1206
// both: whether what is thrown is read or not
// limits: load = "300ms"
throw { get message() { for (;;); }, get stack() { for (;;); }, toString() { for (;;); } };
