import { crc32c, DecompressionError, decompress } from "@tarpan/codecs";
import {
  type BatchHeader,
  decodeBatches,
  Fetch,
  RecordFormatError,
  type ResponseOf,
} from "@tarpan/protocol";
import { type Checks, integer, oneOf } from "../checks/checks.ts";
import { byteCount, waitMs } from "../checks/values.ts";
import type { Connection } from "../connection/connection.ts";
import { hasId, type TopicMetadata } from "../connection/metadata.ts";
import { type IsolationLevel, isolationCode } from "../connection/offsets.ts";
import { DamagedRangeError } from "../errors.ts";
import type { ConsumedRecord } from "../record.ts";
import { Aborted } from "./aborted.ts";
import type { Position } from "./position.ts";

/** The last version of Fetch that identifies topics by name. */
const LAST_NAMED_VERSION = 12;

export interface FetchLimits {
  /** Longest time that the broker waits for `minBytes`, ms. Default: 500. */
  readonly maxWaitMs: number;
  /** Bytes for which the broker waits before it answers a Fetch. Default: 1. */
  readonly minBytes: number;
  /** Bytes of records in one response, about. Default: 50 MiB. */
  readonly maxBytes: number;
  /** Bytes of records of one partition in a response, about. Default: 1 MiB. */
  readonly partitionBytes: number;
}

export type FetchOptions = { readonly [Limit in keyof FetchLimits]?: number | undefined } & {
  /**
   * With `read_committed`, records of transactions are read once they are committed, aborted ones
   * never, and reading stops before the first open transaction: at the last stable offset, which is
   * the end then. Default: read_uncommitted, as in Kafka.
   */
  readonly isolationLevel?: IsolationLevel | undefined;
};

export const FETCH_OPTIONS: Checks<FetchOptions> = {
  isolationLevel: oneOf("read_uncommitted", "read_committed"),
  maxWaitMs: waitMs,
  minBytes: integer(0),
  maxBytes: byteCount,
  partitionBytes: byteCount,
};

export interface FetchTarget {
  readonly position: Position;
  readonly topic: TopicMetadata;
  /** The position when the Fetch was sent: if it has moved since, the response is stale. */
  readonly offset: number;
}

export type PartitionAnswer = ResponseOf<typeof Fetch>["responses"][number]["partitions"][number];

/** Sends one Fetch to one broker, without a fetch session. */
export async function fetchFrom(
  leader: Connection,
  wanted: readonly FetchTarget[],
  limits: FetchLimits,
  isolation: IsolationLevel,
  timeoutMs: number,
): Promise<{ errorCode: number; answers: Map<FetchTarget, PartitionAnswer> }> {
  const byTopic = new Map<TopicMetadata, FetchTarget[]>();
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
  const isolationLevel = isolationCode(isolation);
  const body = { maxWaitMs, minBytes, maxBytes, isolationLevel, topics, forgottenTopicsData: [] };
  const options = { timeoutMs: timeoutMs + maxWaitMs, maxVersion };
  const { errorCode, responses } = await leader.request(Fetch, body, options);
  const answers = new Map<FetchTarget, PartitionAnswer>();
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
 * Decodes records from `position` on, and moves `position` past them, past control batches, past
 * records of aborted transactions and past offsets that compaction removed. Stops before a damaged
 * batch; throws DamagedRangeError if no record precedes it.
 */
export function takeRecords(
  position: Position,
  bytes: Uint8Array,
  transactions: PartitionAnswer["abortedTransactions"] = null,
): ConsumedRecord[] {
  const { topic, partition } = position;
  const from = position.offset;
  const aborted = new Aborted(transactions ?? []);
  const taken: ConsumedRecord[] = [];
  let complete = 0;
  let header: BatchHeader | null = null;
  try {
    for (const batch of decodeBatches(asBuffer(bytes), { decompress: decompressed, crc32c })) {
      header = batch.header;
      if (!aborted.skips(batch) && !header.isControl)
        for (const record of batch.records()) {
          // Slices of a Buffer are Buffers, so the cast is safe.
          const { offset, timestamp, key, value, headers } = record as Decoded;
          // Field by field: V8 gives `{ ...record }` a slower kind of object.
          if (offset >= from)
            taken.push({ topic, partition, offset, timestamp, key, value, headers });
        }
      complete = taken.length;
      position.offset = Math.max(position.offset, header.lastOffset + 1);
    }
  } catch (error) {
    taken.length = complete;
    // The position has moved past the taken records, so those must be returned. The failure will
    // happen again.
    if (complete > 0) return taken;
    const damaged = error instanceof RecordFormatError || error instanceof DecompressionError;
    if (!damaged) throw error;
    throw new DamagedRangeError(position, position.offset, offsetBehind(header, position), error);
  }
  return taken;
}

type Decoded = Omit<ConsumedRecord, "topic" | "partition">;

/** The offset after the batch. Null if its header, which may be damaged too, contradicts itself. */
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
