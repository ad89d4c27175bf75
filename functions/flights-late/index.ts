interface Flight {
  origin: string;
  destination: string;
  delayMinutes: number;
}

export default function (record: Eddyline.Record, ctx: Eddyline.Context) {
  const flight = record.json<Flight>();
  if (flight === null || flight.delayMinutes < Number(ctx.env.LATE_MINUTES ?? "15")) return;

  ctx.emit(flight, { key: `${flight.origin}-${flight.destination}` });
}
