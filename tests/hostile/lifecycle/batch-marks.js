// attack: records of a batch that are marked, emitted and rejected after all was over, and twice
// expect: rejected E2002
// limits: wall = "1s"
const kept = [];
export default {
  async batch(records) {
    for (const old of kept) {
      try { old.reject("late"); } catch { }
      try { old.emit("late"); } catch { }
      try { old.retry(); } catch { }
    }
    kept.push(...records);
    return records.map((record) => {
      if (record.text() !== "attack") return "ok";
      record.retry();
      record.reject("first");
      record.emit("discarded");
      record.reject("second");
      return "discarded too";
    });
  },
};
