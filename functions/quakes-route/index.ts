interface Quake {
  kind: string;
  magnitude: number;
  magnitudeClass: string;
  felt: number;
  tsunami: boolean;
}

export default function (record: Eddyline.Record, ctx: Eddyline.Context) {
  const quake = record.json<Quake>();
  if (quake === null) return;

  // The bytes go on as they came: nothing is changed, so nothing is encoded anew.
  const value = record.bytes();
  const copyTo = (topic: string) =>
    ctx.emit(value, { topic, headers: { "magnitude-class": quake.magnitudeClass } });

  // A quarry's blast shakes the ground too, and is of no use to seismologists.
  if (quake.kind !== "earthquake") {
    copyTo("quakes.blasts");
    return;
  }
  const significant = Number(ctx.env.SIGNIFICANT_MAGNITUDE ?? "4.5");
  if (quake.magnitude >= significant || quake.tsunami) copyTo("quakes.significant");
  if (quake.felt > 0) copyTo("quakes.felt");
  return record;
}
