interface Flight {
  origin: string;
  destination: string;
}

export default function (record: Eddyline.Record, ctx: Eddyline.Context) {
  const flight = record.json<Flight>();
  if (flight === null) return;

  ctx.emit(flight, { key: `${flight.origin}-${flight.destination}` });
}
