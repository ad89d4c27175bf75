// {{name}}: lets orders through that reach a minimum.

interface Order {
  total: number;
}

export default function (record: Eddyline.Record, ctx: Eddyline.Context) {
  const order = record.json<Order>();
  if (order === null || order.total < Number(ctx.env.MINIMUM)) return;

  // The record itself passes through byte for byte, key and headers too.
  return record;
}
