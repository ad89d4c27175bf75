// @platformatic/kafka: batches from the consumer's stream, each sent while the next is worked on, and committed only
// when it has been acknowledged.

import { Consumer, Producer } from "@platformatic/kafka";
import { brokers, group, input, output, results } from "./work.js";

const BATCH = 1000;

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

async function send(batch, messages) {
  if (messages.length > 0) await producer.send({ messages });
  for (const record of batch) acknowledged.set(record.partition, record);
}

const acknowledged = new Map();
setInterval(async () => {
  const last = [...acknowledged.values()];
  acknowledged.clear();
  await Promise.all(last.map((record) => record.commit()));
}, 1000);

let sending = Promise.resolve();
for (;;) {
  const batch = await take();
  const messages = await results(batch, (key, value) => ({
    topic: output,
    key,
    value: typeof value === "string" ? Buffer.from(value) : value,
  }));
  await sending;
  sending = send(batch, messages);
}
