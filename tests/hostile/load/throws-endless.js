// attack: an error thrown at the top level whose message never comes back when it is read
// expect: problem E1206
// limits: load = "300ms"
throw { get message() { for (;;); }, get stack() { for (;;); }, toString() { for (;;); } };
