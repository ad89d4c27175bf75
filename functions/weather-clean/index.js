const COLUMNS = ["location", "date", "precipitation", "temp_max", "temp_min", "wind", "weather"];
const TEXT = new Set(["location", "date", "weather"]);

/** @type {Eddyline.RecordHandler} */
export default function (record, ctx) {
  const cells = record.text()?.split(",") ?? [];
  if (cells.length !== COLUMNS.length) {
    return ctx.reject(`row has ${cells.length} columns, not ${COLUMNS.length}`);
  }
  /** @type {Record<string, any>} */
  const day = Object.fromEntries(
    COLUMNS.map((name, i) => [name, TEXT.has(name) ? cells[i] : Number(cells[i] || NaN)]),
  );

  // A value of -9999 is how this source says that a sensor had nothing to say.
  const missing = COLUMNS.filter((name) => day[name] === -9999 || Number.isNaN(day[name]));
  if (missing.length > 0) ctx.reject(`no value for ${missing.join(", ")}`);
  if (day.temp_min > day.temp_max) {
    ctx.reject(`lowest temperature ${day.temp_min} is above the highest, ${day.temp_max}`);
  }
  if ((day.weather === "rain" || day.weather === "snow") && day.precipitation === 0) {
    ctx.reject(`weather is "${day.weather}", but precipitation is 0`);
  }
  return day;
}
