import { compress, decompress } from "@tarpan/codecs";
import {
  CreateTopics,
  decodeBatches,
  encodeBatch,
  Fetch,
  Produce,
  type RecordInput,
} from "@tarpan/protocol";
import type { RawConnection } from "./raw-connection.ts";
import { RECENT_MS } from "./recent.ts";

/** Kafka's names of the codecs, by the lowest three bits of a batch's attributes. */
export const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
export type CodecName = (typeof CODECS)[number];

/** One record in the peers' format: bytes as base64, for JSON. */
export interface PlainRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [string, string | null])[];
}

// The last versions of Produce and Fetch that identify topics by name, so that tests need no ids.
const PRODUCE_BY_NAME = 12;
const FETCH_BY_NAME = 12;

export async function createTopic(
  connection: RawConnection,
  name: string,
  { partitions = 1, configs = {} as Readonly<Record<string, string>> } = {},
): Promise<void> {
  const { topics } = await connection.request(CreateTopics, 7, {
    topics: [
      {
        name,
        numPartitions: partitions,
        replicationFactor: 1,
        assignments: [],
        configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
      },
    ],
    timeoutMs: 10_000,
    validateOnly: false,
  });
  const [created] = topics;
  if (created!.errorCode !== 0) throw new Error(`CreateTopics ${name}: ${created!.errorCode}`);
}

/** The whole answer for one partition. */
export async function produce(
  connection: RawConnection,
  topic: string,
  records: Uint8Array | null,
  { partition = 0, acks = -1, version = PRODUCE_BY_NAME } = {},
) {
  const { responses } = await connection.request(Produce, version, {
    transactionalId: null,
    acks,
    timeoutMs: 10_000,
    topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
  });
  return responses[0]!.partitionResponses[0]!;
}

/** The whole answer for one partition. */
export async function fetch(
  connection: RawConnection,
  topic: string,
  fetchOffset: number,
  { partition = 0, maxBytes = 10_000_000, maxWaitMs = 100, currentLeaderEpoch = -1 } = {},
) {
  const body = await connection.request(Fetch, FETCH_BY_NAME, {
    maxWaitMs,
    minBytes: 1,
    maxBytes,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [
      {
        topic,
        partitions: [{ partition, currentLeaderEpoch, fetchOffset, partitionMaxBytes: maxBytes }],
      },
    ],
    forgottenTopicsData: [],
  });
  if (body.errorCode !== 0) throw new Error(`Fetch: ${body.errorCode}`);
  return body.responses[0]!.partitions[0]!;
}

/** All records of a partition from `offset` on, with the codec of their batch. */
export async function readAll(
  connection: RawConnection,
  topic: string,
  { partition = 0, offset = 0 } = {},
): Promise<{ records: PlainRecord[]; codecs: Set<CodecName> }> {
  const records: PlainRecord[] = [];
  const codecs = new Set<CodecName>();
  for (let next = offset; ; ) {
    const answer = await fetch(connection, topic, next, { partition });
    if (answer.errorCode !== 0) throw new Error(`Fetch at ${next}: ${answer.errorCode}`);
    if (next >= answer.highWatermark) return { records, codecs };
    for (const batch of decodeBatches(answer.records!, { decompress })) {
      codecs.add(CODECS[batch.header.compression]!);
      for (const record of batch.records()) {
        // The first batch of a response contains the offset, but may begin before it.
        if (record.offset >= next) records.push(plain(record));
      }
      // A batch may have no records at its last offsets.
      next = Math.max(next, batch.header.lastOffset + 1);
    }
  }
}

/** A batch of plain records as a client would send it. */
export function batchOf(
  records: readonly Omit<PlainRecord, "offset">[],
  codec: CodecName = "none",
): Uint8Array {
  return encodeBatch(records.map(input), { compression: CODECS.indexOf(codec), compress });
}

export function textRecord(value: string): RecordInput {
  return { key: null, value: Buffer.from(value), timestamp: RECENT_MS };
}

/** One batch of records with these texts as values. */
export function textBatch(...values: string[]): Uint8Array {
  return encodeBatch(values.map(textRecord));
}

export const base64 = (text: string): string => Buffer.from(text).toString("base64");

function plain(record: {
  offset: number;
  timestamp: number;
  key: Uint8Array | null;
  value: Uint8Array | null;
  headers: readonly { key: string; value: Uint8Array | null }[];
}): PlainRecord {
  return {
    offset: record.offset,
    timestamp: record.timestamp,
    key: toBase64(record.key),
    value: toBase64(record.value),
    headers: record.headers.map(({ key, value }) => [key, toBase64(value)] as const),
  };
}

function input(record: Omit<PlainRecord, "offset">): RecordInput {
  return {
    key: fromBase64(record.key),
    value: fromBase64(record.value),
    timestamp: record.timestamp,
    headers: record.headers.map(([key, value]) => ({ key, value: fromBase64(value) })),
  };
}

const toBase64 = (bytes: Uint8Array | null) =>
  bytes === null ? null : Buffer.from(bytes).toString("base64");
const fromBase64 = (text: string | null) => (text === null ? null : Buffer.from(text, "base64"));
