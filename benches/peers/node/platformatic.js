// @platformatic/kafka: batches from the consumer's stream, a few of them under way while the next is worked on, and
// committed only when they and those before them have been acknowledged.

import { Consumer, Producer } from "@platformatic/kafka";
import { brokers, group, input, output, results } from "./work.js";

const BATCH = 1000;
const UNDER_WAY = 3;

const consumer = new Consumer({ clientId: group, groupId: group, bootstrapBrokers: brokers, highWaterMark: 4 * BATCH });
const producer = new Producer({ clientId: group, bootstrapBrokers: brokers, idempotent: true, acks: -1, compression: "lz4" });
const stream = await consumer.consume({ topics: [input], autocommit: false, mode: "committed", fallbackMode: "earliest" });

let arrived = [];
let wake = () => {};
stream.on("data", (record) => {
  arrived.push(record);
  if (arrived.length >= BATCH) stream.pause();
  wake();
});

async function take() {
  if (arrived.length === 0) await new Promise((done) => (wake = done));
  const batch = arrived;
  arrived = [];
  stream.resume();
  return batch;
}

async function send(batch, messages, before) {
  const sent = messages.length > 0 ? producer.send({ messages }) : undefined;
  await Promise.all([before, sent]);
  for (const record of batch) acknowledged.set(record.partition, record);
}

const acknowledged = new Map();
setInterval(async () => {
  const last = [...acknowledged.values()];
  acknowledged.clear();
  await Promise.all(last.map((record) => record.commit()));
}, 1000);

const sending = [];
for (;;) {
  const batch = await take();
  const messages = await results(batch, (key, value) => ({
    topic: output,
    key,
    value: typeof value === "string" ? Buffer.from(value) : value,
  }));
  if (sending.length === UNDER_WAY) await sending.shift();
  sending.push(send(batch, messages, sending.at(-1)));
}
