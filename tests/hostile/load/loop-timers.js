// attack: a top level that waits in timers without end
// expect: problem E1206
// limits: load = "300ms"
for (;;) await new Promise((done) => setTimeout(done, 5));
