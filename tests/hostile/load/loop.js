// attack: an endless loop at the top level
// expect: problem E1206
// limits: load = "300ms"
for (;;);
