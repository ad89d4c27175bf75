const KILOMETRES_PER_MILE = 1.609344;

export default function (record: Eddyline.Record, ctx: Eddyline.Context) {
  const line = record.text();
  if (line === null) return;

  const columns = line.split(",");
  if (columns.length !== 5) ctx.reject(`row has ${columns.length} columns, not 5`);
  const [date, delay, distance, origin, destination] = columns;

  const faults: string[] = [];
  const departure = departureOf(date);
  if (departure === null) faults.push(`date "${date}" is none`);
  if (!/^-?\d+$/.test(delay)) faults.push(`delay "${delay}" is no number of minutes`);
  if (!/^\d+$/.test(distance)) faults.push(`distance "${distance}" is no number of miles`);
  for (const airport of [origin, destination]) {
    if (!/^[A-Z]{3}$/.test(airport)) faults.push(`airport "${airport}" is no code`);
  }
  if (origin === destination) faults.push(`flight from ${origin} to itself`);
  if (faults.length > 0) ctx.reject(faults.join("; "));

  return {
    departure,
    delayMinutes: Number(delay),
    distanceMiles: Number(distance),
    distanceKm: Math.round(Number(distance) * KILOMETRES_PER_MILE),
    origin,
    destination,
  };
}

/** "2001/01/01 00:47" as "2001-01-01T00:47", local time; null if there is no such time. */
function departureOf(text: string): string | null {
  const parts = /^(\d{4})\/(\d\d)\/(\d\d) (\d\d):(\d\d)$/.exec(text);
  if (parts === null) return null;
  const [, year, month, day, hour, minute] = parts;
  const iso = `${year}-${month}-${day}T${hour}:${minute}`;
  // Date rolls 31 February over into March; only a real date comes back the same.
  const date = new Date(`${iso}Z`);
  const real = !Number.isNaN(date.getTime()) && date.toISOString().startsWith(iso);
  return real ? iso : null;
}
