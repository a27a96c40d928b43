import { crc32c, decompress } from "@tarpan/codecs";
import { decodeBatches, Fetch, type ResponseOf } from "@tarpan/protocol";
import type { Connection } from "../connection.ts";
import { hasId, type TopicMetadata } from "../metadata.ts";
import type { ConsumedRecord } from "../record.ts";
import type { Position } from "./position.ts";

/** The last version of Fetch that names topics by name. */
const LAST_NAMED_VERSION = 12;

export interface FetchLimits {
  /** Longest wait of the broker for data, ms. */
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly partitionBytes: number;
}

export interface Wanted {
  readonly position: Position;
  readonly topic: TopicMetadata;
  /** The position when it was asked for: if it has moved since, the answer is stale. */
  readonly offset: number;
}

export type PartitionAnswer = ResponseOf<typeof Fetch>["responses"][number]["partitions"][number];

/** One Fetch to one broker, without a session. Resolves to an answer for each that was wanted. */
export async function fetchFrom(
  leader: Connection,
  wanted: readonly Wanted[],
  limits: FetchLimits,
  timeoutMs: number,
): Promise<{ errorCode: number; answers: Map<Wanted, PartitionAnswer> }> {
  const byTopic = new Map<TopicMetadata, Wanted[]>();
  for (const each of wanted) byTopic.set(each.topic, [...(byTopic.get(each.topic) ?? []), each]);
  const topics = [...byTopic].map(([topic, list]) => ({
    topic: topic.name,
    topicId: topic.id,
    partitions: list.map(({ position, offset }) => ({
      partition: position.partition,
      fetchOffset: offset,
      partitionMaxBytes: limits.partitionBytes,
    })),
  }));
  const maxVersion = [...byTopic.keys()].every(hasId) ? undefined : LAST_NAMED_VERSION;
  const { maxWaitMs, minBytes, maxBytes } = limits;
  const body = { maxWaitMs, minBytes, maxBytes, topics, forgottenTopicsData: [] };
  const options = { timeoutMs: timeoutMs + maxWaitMs, maxVersion };
  const { errorCode, responses } = await leader.request(Fetch, body, options);
  const answers = new Map<Wanted, PartitionAnswer>();
  for (const each of wanted) {
    const { topic, position } = each;
    const answer = responses
      .find((r) => r.topic === topic.name || (hasId(topic) && r.topicId === topic.id))
      ?.partitions.find(({ partitionIndex }) => partitionIndex === position.partition);
    if (answer !== undefined) answers.set(each, answer);
  }
  return { errorCode, answers };
}

/**
 * The records of an answer from `position` on, which moves past them and past what is not for
 * consumers: control batches, and offsets that compaction left empty.
 */
export function takeRecords(position: Position, bytes: Uint8Array): ConsumedRecord[] {
  const { topic, partition } = position;
  const from = position.offset;
  const taken: ConsumedRecord[] = [];
  for (const batch of decodeBatches(bytes, { decompress, crc32c })) {
    if (!batch.header.isControl)
      for (const record of batch.records())
        if (record.offset >= from) taken.push({ topic, partition, ...record });
    position.offset = Math.max(position.offset, batch.header.lastOffset + 1);
  }
  return taken;
}
