// attack: a batch that returns an array whose length, items and elements are read differently each time
// expect: failed E2001 | done
// result: "ok"
// both: an honest length of one looks like an ordinary result
let calls = 0;
export default {
  batch(records) {
    if (!records.some((record) => record.text() === "attack")) return records.map(() => "ok");
    return new Proxy(records.map(() => "ok"), { get: (target, key) => (key === "length" ? 1000 + calls++ : target[key]) });
  },
};
