// attack: null thrown at the top level
// expect: problem E1204
throw null;
