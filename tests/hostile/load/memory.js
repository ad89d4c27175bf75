// attack: memory without end at the top level
// expect: problem E1206
// limits: heap = "32MiB"
const all = [];
for (;;) all.push({ a: [] });
