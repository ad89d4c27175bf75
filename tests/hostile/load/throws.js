// attack: a throw at the top level of the module
// expect: problem E1204
throw new Error("not today");
