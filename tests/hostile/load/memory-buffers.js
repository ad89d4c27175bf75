// attack: buffers without end at the top level
// expect: problem E1206
const all = [];
for (;;) all.push(new Uint8Array(1 << 20).fill(1));
