import { Consumer, type Message, Producer } from "@platformatic/kafka";
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

/** Without these the client says that it has producer id 0, and is fenced if that is another's. */
const NEW_PRODUCER = { producerId: -1n, producerEpoch: -1 };

async function session(request: TransformRequest, seen: Seen): Promise<void> {
  const { bootstrap, from, group, transactionalId, count } = request;
  const common = { clientId: "platformatic", bootstrapBrokers: [bootstrap] };
  const producer = new Producer({ ...common, transactionalId, idempotent: true });
  const consumer = new Consumer({ ...common, groupId: group, autocommit: false });
  try {
    // The last transaction has to be over before the group's offset is read.
    const first = await producer.beginTransaction(NEW_PRODUCER);
    await first.cancel();
    const mode = { mode: "committed", fallbackMode: "earliest" } as const;
    const stream = await consumer.consume({ topics: [from], ...mode });
    for await (const message of stream) {
      const offset = Number(message.offset);
      const aborts = offset % ABORTED_EVERY === 0 && !seen.aborted.has(offset);
      if (aborts) await (await moved(producer, consumer, request, message)).abort();
      seen.aborted.add(offset);
      await (await moved(producer, consumer, request, message)).commit();
      seen.moved = offset + 1;
      if (seen.moved === count) break;
    }
  } finally {
    await Promise.allSettled([consumer.close(true), producer.close()]);
  }
}

async function moved(
  producer: Producer,
  consumer: Consumer,
  { to }: TransformRequest,
  message: Message,
) {
  const transaction = await producer.beginTransaction();
  await transaction.addConsumer(consumer);
  const messages = [{ topic: to, partition: 0, value: message.value }];
  await transaction.send({ messages, acks: -1 });
  await transaction.addOffset(message);
  return transaction;
}
