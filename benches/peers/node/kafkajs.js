// kafkajs: a batch of a partition is sent whole and resolved when it has been acknowledged.

import kafkajs from "kafkajs";
import lz4 from "lz4-napi";
import { brokers, group, input, output, results } from "./work.js";

const { Kafka, CompressionTypes, CompressionCodecs, logLevel } = kafkajs;

// kafkajs has no LZ4 of its own, and asks for it by this interface.
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: (encoder) => lz4.compressFrame(encoder.buffer),
  decompress: (buffer) => lz4.decompressFrame(buffer),
});

const kafka = new Kafka({ clientId: group, brokers, logLevel: logLevel.WARN });
const consumer = kafka.consumer({ groupId: group, maxWaitTimeInMs: 100 });
const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 5 });

await producer.connect();
await consumer.connect();
await consumer.subscribe({ topic: input, fromBeginning: true });
await consumer.run({
  autoCommitInterval: 1000,
  partitionsConsumedConcurrently: 4,
  eachBatch: async ({ batch }) => {
    const messages = await results(batch.messages, (key, value) => ({ key, value }));
    if (messages.length > 0) {
      await producer.send({ topic: output, messages, acks: -1, compression: CompressionTypes.LZ4 });
    }
  },
});
