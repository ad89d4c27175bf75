import { keepLast, maskEmail, maskIp, scrub } from "./redact.ts";

interface Order {
  name: string;
  email: string;
  phone: string;
  ip: string;
  card: string;
  note?: string;
}

export default function (record: Eddyline.Record, ctx: Eddyline.Context) {
  const order = record.json<Order>();
  if (order === null) return;
  if (typeof order.email !== "string") ctx.reject("email is missing");

  // The name is left out; fields that are not named here pass through.
  const { name, ...rest } = order;
  return {
    ...rest,
    email: maskEmail(order.email),
    phone: keepLast(order.phone, 2),
    ip: maskIp(order.ip),
    card: keepLast(order.card, 4),
    ...(order.note !== undefined && { note: scrub(order.note) }),
  };
}
