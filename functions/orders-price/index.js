/** @type {Eddyline.RecordHandler} */
export default function (record, ctx) {
  const order = record.json();
  if (order === null || order.test) return;

  // Money is counted in cents: 3 times 3.20 is not 9.600000000000001.
  const cents = Math.round(order.price * 100) * order.quantity;
  return { ...order, total: cents / 100, currency: ctx.env.CURRENCY };
}
