interface Day {
  location: string;
  date: string;
  precipitation: number;
  temp_max: number;
  temp_min: number;
}

/**
 * A part of a month's figures. A month may be spread over several batches, so
 * these are sums and not means: who reads them adds up the parts of a key.
 */
interface Part {
  location: string;
  month: string;
  days: number;
  precipitation: number;
  temperatureSum: number;
  highest: number;
  lowest: number;
}

export default {
  batch(records) {
    const parts = new Map<string, { part: Part; last: Eddyline.BatchRecord }>();
    for (const record of records) {
      const day = record.json<Day>();
      if (day === null) continue;
      const key = `${day.location}/${day.date.slice(0, 7)}`;
      parts.set(key, { part: add(parts.get(key)?.part, day), last: record });
    }
    // A result belongs to a record: the last one that it counts.
    for (const [key, { part, last }] of parts) last.emit(part, { key });
  },
} satisfies Eddyline.Handler;

function add(part: Part | undefined, day: Day): Part {
  return {
    location: day.location,
    month: day.date.slice(0, 7),
    days: (part?.days ?? 0) + 1,
    precipitation: rounded((part?.precipitation ?? 0) + day.precipitation),
    temperatureSum: rounded((part?.temperatureSum ?? 0) + (day.temp_max + day.temp_min) / 2),
    highest: Math.max(part?.highest ?? -Infinity, day.temp_max),
    lowest: Math.min(part?.lowest ?? Infinity, day.temp_min),
  };
}

/** Sums of decimal fractions collect noise behind the comma; the source has none. */
function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
