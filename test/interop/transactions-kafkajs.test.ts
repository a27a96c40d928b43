import { type EachMessagePayload, Kafka, logLevel, type Producer } from "kafkajs";
import { it } from "vitest";
import { useBroker } from "../harness/broker-process.ts";
import {
  ABORTED_EVERY,
  ALONE,
  type TransformRequest,
  transformsExactlyOnce,
} from "./transactions-suite.ts";

const broker = useBroker(ALONE);

transformsExactlyOnce(it, broker, async (request) => {
  const seen = { moved: 0, aborted: new Set<number>() };
  while (seen.moved < request.count && !request.signal.aborted) {
    await session(request, seen).catch(() => {});
  }
});

interface Seen {
  moved: number;
  readonly aborted: Set<number>;
}

async function session(request: TransformRequest, seen: Seen): Promise<void> {
  const { bootstrap, from, group, transactionalId, count } = request;
  const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1 });
  const consumer = kafka.consumer({ groupId: group, rebalanceTimeout: 1_000 });
  try {
    // It does not ask for stable offsets, so the last transaction has to be over first.
    await producer.connect();
    await consumer.connect();
    await consumer.subscribe({ topics: [from], fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const eachMessage = async (message: EachMessagePayload) => {
        try {
          const offset = Number(message.message.offset);
          const aborts = offset % ABORTED_EVERY === 0 && !seen.aborted.has(offset);
          if (aborts) await move(producer, request, message, false);
          seen.aborted.add(offset);
          await move(producer, request, message, true);
          seen.moved = offset + 1;
          if (seen.moved === count) resolve();
        } catch (error) {
          reject(error);
          throw error;
        }
      };
      consumer.run({ autoCommit: false, eachMessage }).catch(reject);
    });
  } finally {
    await Promise.allSettled([consumer.disconnect(), producer.disconnect()]);
  }
}

async function move(
  producer: Producer,
  { to, group }: TransformRequest,
  { topic, partition, message }: EachMessagePayload,
  isCommit: boolean,
): Promise<void> {
  const transaction = await producer.transaction();
  await transaction.send({ topic: to, messages: [{ partition: 0, value: message.value }] });
  const offset = `${Number(message.offset) + 1}`;
  const topics = [{ topic, partitions: [{ partition, offset }] }];
  await transaction.sendOffsets({ consumerGroupId: group, topics });
  await (isCommit ? transaction.commit() : transaction.abort());
}
