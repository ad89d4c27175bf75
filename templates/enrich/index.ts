// {{name}}: reads orders, adds their total.

interface Order {
  id: string;
  quantity: number;
  price: number;
  test?: boolean;
}

export default function (record: Eddyline.Record, ctx: Eddyline.Context) {
  const order = record.json<Order>();
  // Null is a tombstone; to return nothing means to write nothing.
  if (order === null || order.test) return;
  // A record that will never be right goes to the dead letter, with the reason.
  if (!(order.quantity > 0)) ctx.reject(`quantity is ${order.quantity}, not above 0`);

  return { ...order, total: order.quantity * order.price };
}
