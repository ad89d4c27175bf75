// attack: a promise that never settles, for one record of a batch
// expect: wall limit E2102
// limits: wall = "300ms"
export default {
  async batch(records) {
    return records.map((record) => (record.text() === "attack" ? new Promise(() => {}) : "ok"));
  },
};
