// {{name}}: every order to the sink, some to further topics as well.

interface Order {
  id: string;
  country: string;
  total: number;
  urgent?: boolean;
}

export default function (record: Eddyline.Record, ctx: Eddyline.Context) {
  const order = record.json<Order>();
  if (order === null) return;

  if (order.urgent) {
    ctx.emit(order, { topic: "{{name}}.urgent", headers: { priority: "high" } });
  }
  if (order.total > 10_000) {
    ctx.emit({ id: order.id, total: order.total }, { topic: "{{name}}.audit", key: order.country });
  }
  return record;
}
