import type { Client } from "../connection/client.ts";
import { resolveOffset } from "../connection/offsets.ts";
import { Consumer } from "../consumer/consumer.ts";
import type { ConsumedRecord } from "../record.ts";

const SCAN_WAIT_MS = 100;

/** Reads a topic once, from its start to the end that it has now. Only committed records. */
export async function* scan(client: Client, topic: string): AsyncGenerator<ConsumedRecord> {
  const isolationLevel = "read_committed";
  const { partitions } = await client.topic(topic);
  const ends = await Promise.all(
    partitions.map(({ partition }) =>
      resolveOffset(client, { topic, partition }, "latest", isolationLevel),
    ),
  );
  const consumer = new Consumer(client, { isolationLevel, onOutOfRange: "earliest" });
  await consumer.assign(
    partitions.map(({ partition }) => ({ topic, partition, offset: "earliest" as const })),
  );
  try {
    const isAtEnd = () =>
      partitions.every(({ partition }, at) => consumer.position(topic, partition) >= ends[at]!);
    while (!isAtEnd()) yield* await consumer.poll(SCAN_WAIT_MS);
  } finally {
    consumer.close();
  }
}
