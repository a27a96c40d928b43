import type { Client } from "../connection/client.ts";
import { partitionKey, type TopicPartition } from "../connection/offsets.ts";
import { KafkaResponseError } from "../errors.ts";
import { MAX_TRANSACTION_TIMEOUT_MS } from "../limits.ts";
import {
  type ActiveProducer,
  describeProducers,
  describeTransaction,
  listTransactions,
  type TransactionDescription,
} from "./transactions.ts";

export interface FindHangingOptions {
  /** Default: all topics, internal ones too. */
  readonly topic?: string | undefined;
  /** Default: all of the topic. */
  readonly partition?: number | undefined;
  /**
   * The longest time-out of any transaction, ms: one is looked at only if its producer has written
   * nothing for this time. Default: 900,000, the default of transaction.max.timeout.ms.
   */
  readonly maxTimeoutMs?: number | undefined;
}

export interface HangingTransaction extends ActiveProducer, TopicPartition {
  readonly startOffset: number;
}

/** A transaction hangs if no coordinator counts the partition among those that it will end. */
export async function findHangingTransactions(
  client: Client,
  options: FindHangingOptions,
): Promise<HangingTransaction[]> {
  const { maxTimeoutMs = MAX_TRANSACTION_TIMEOUT_MS } = options;
  const before = Date.now() - maxTimeoutMs;
  const open: HangingTransaction[] = [];
  for (const topic of await partitionsOf(client, options)) {
    const asked = topic.map(async (at) => {
      for (const { startOffset, ...producer } of await describeProducers(client, at))
        if (startOffset !== null && producer.lastTimestamp < before)
          open.push({ ...at, ...producer, startOffset });
    });
    await Promise.all(asked);
  }
  const producerIds = [...new Set(open.map(({ producerId }) => producerId))];
  if (producerIds.length === 0) return [];
  const expected = await expectedEnds(client, producerIds);
  return open.filter((each) => !expected.has(endKey(each.producerId, each)));
}

/** Topic by topic. */
async function partitionsOf(
  client: Client,
  { topic, partition }: FindHangingOptions,
): Promise<TopicPartition[][]> {
  if (topic !== undefined && partition !== undefined) return [[{ topic, partition }]];
  const topics = topic === undefined ? await client.allTopics() : [await client.topic(topic)];
  return topics.map(({ name, partitions }) =>
    partitions.map((each) => ({ topic: name, partition: each.partition })),
  );
}

/** The ends that coordinators will still write. */
async function expectedEnds(client: Client, producerIds: readonly number[]): Promise<Set<string>> {
  const expected = new Set<string>();
  for (const listed of await listTransactions(client, { producerIds })) {
    const known = await descriptionOf(client, listed);
    for (const at of known?.partitions ?? []) expected.add(endKey(listed.producerId, at));
  }
  return expected;
}

/** Null if the transactional id has expired since it was listed. */
async function descriptionOf(
  client: Client,
  { transactionalId }: { readonly transactionalId: string },
): Promise<TransactionDescription | null> {
  try {
    return await describeTransaction(client, transactionalId);
  } catch (error) {
    const gone = (error as KafkaResponseError).kafkaName === "TRANSACTIONAL_ID_NOT_FOUND";
    if (error instanceof KafkaResponseError && gone) return null;
    throw error;
  }
}

const endKey = (producerId: number, at: TopicPartition) => `${producerId}:${partitionKey(at)}`;
