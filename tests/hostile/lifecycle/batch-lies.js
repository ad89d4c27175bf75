// attack: a batch that returns an array whose length, items and elements are read differently each time
// expect: failed E2001 | done | cpu limit E2101
// result: "ok"
// several: it may be refused as no array, or be walked, and whoever walks it never reaches its end
let calls = 0;
export default {
  batch(records) {
    if (!records.some((record) => record.text() === "attack")) return records.map(() => "ok");
    return new Proxy(records.map(() => "ok"), { get: (target, key) => (key === "length" ? 1000 + calls++ : target[key]) });
  },
};
