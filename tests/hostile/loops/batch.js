// attack: an endless loop in a batch handler, which must not take the records beside it along
// expect: cpu limit E2101
export default {
  batch(records) {
    return records.map((record) => {
      if (record.text() !== "attack") return "ok";
      for (;;);
    });
  },
};
