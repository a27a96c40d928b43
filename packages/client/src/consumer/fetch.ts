import { crc32c, DecompressionError, decompress } from "@tarpan/codecs";
import {
  type BatchHeader,
  decodeBatches,
  Fetch,
  RecordFormatError,
  type ResponseOf,
} from "@tarpan/protocol";
import { type Checks, whole } from "../checks/checks.ts";
import { byteCount, waitMs } from "../checks/values.ts";
import type { Connection } from "../connection/connection.ts";
import { hasId, type TopicMetadata } from "../connection/metadata.ts";
import { DamagedRangeError } from "../errors.ts";
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

export type FetchOptions = { readonly [Limit in keyof FetchLimits]?: number | undefined };

export const FETCH_LIMITS: Checks<FetchLimits> = {
  maxWaitMs: waitMs,
  minBytes: whole(0),
  maxBytes: byteCount,
  partitionBytes: byteCount,
};

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
 * consumers: control batches, and offsets that compaction left empty. Ends before a batch that
 * can't be read; throws DamagedRangeError when that is the first.
 */
export function takeRecords(position: Position, bytes: Uint8Array): ConsumedRecord[] {
  const { topic, partition } = position;
  const from = position.offset;
  const taken: ConsumedRecord[] = [];
  let whole = 0;
  let header: BatchHeader | null = null;
  try {
    for (const batch of decodeBatches(asBuffer(bytes), { decompress: decompressed, crc32c })) {
      header = batch.header;
      if (!header.isControl)
        for (const record of batch.records()) {
          // What is cut out of a Buffer is one.
          const { offset, timestamp, key, value, headers } = record as Decoded;
          // Not by spreading, which makes an object of a slow kind.
          if (offset >= from)
            taken.push({ topic, partition, offset, timestamp, key, value, headers });
        }
      whole = taken.length;
      position.offset = Math.max(position.offset, header.lastOffset + 1);
    }
  } catch (error) {
    taken.length = whole;
    // What was taken has moved the position: it must be handed out, and the failure will show
    // again.
    if (whole > 0) return taken;
    const damaged = error instanceof RecordFormatError || error instanceof DecompressionError;
    if (!damaged) throw error;
    throw new DamagedRangeError(position, position.offset, offsetBehind(header, position), error);
  }
  return taken;
}

type Decoded = Omit<ConsumedRecord, "topic" | "partition">;

/** By its header, which is part of what may be damaged: so only if that agrees with itself. */
function offsetBehind(header: BatchHeader | null, { offset }: Position): number | null {
  if (header === null || header.lastOffset < offset) return null;
  const { baseOffset, lastOffset, recordCount } = header;
  return lastOffset - baseOffset + 1 === recordCount ? lastOffset + 1 : null;
}

function decompressed(codec: number, bytes: Uint8Array, maxBytes: number): Buffer {
  return asBuffer(decompress(codec, bytes, maxBytes));
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
