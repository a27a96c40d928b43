// Frames encoded before a run, and the positions of the few bytes in them that a run reads or
// changes. Comparing two encodings finds the positions, so that no layout is repeated here.

import {
  ErrorCode,
  encodeBatch,
  encodeRequest,
  encodeResponse,
  Fetch,
  Produce,
  type RecordInput,
} from "@tarpan/protocol";

/**
 * The last versions that identify topics by name, so that a load needs no topic ids. Kafka 4
 * supports them.
 */
const PRODUCE_VERSION = 12;
const FETCH_VERSION = 12;

const CLIENT_ID = "bench";
export const LENGTH_BYTES = 4;
/** Position of the correlation id: after length, API key and version, or right after the length. */
export const REQUEST_ID_AT = 8;
export const RESPONSE_ID_AT = 4;

/** A batch of as many records of `recordBytes` as fit into `batchBytes`, at least one. */
export function batchOf(
  recordBytes: number,
  batchBytes: number,
  key: Uint8Array | null = null,
): { batch: Uint8Array; records: number } {
  const timestamp = Date.now();
  const value = new Uint8Array(recordBytes).map((_, i) => (i * 131) & 0xff);
  const record: RecordInput = { key, value, timestamp };
  let records = 1;
  let batch = encodeBatch([record]);
  for (let grow = Math.floor(batchBytes / recordBytes); grow > 0; grow = Math.floor(grow / 2)) {
    const larger = encodeBatch(Array<RecordInput>(records + grow).fill(record));
    if (larger.length > batchBytes) continue;
    records += grow;
    batch = larger;
  }
  return { batch, records };
}

/** A Produce request for one partition, acks=all. */
export function produceRequest(
  topic: string,
  partition: number,
  batch: Uint8Array,
  correlationId: number,
): Buffer {
  const body = {
    acks: -1,
    timeoutMs: 30_000,
    topicData: [{ name: topic, partitionData: [{ index: partition, records: batch }] }],
  };
  const header = { correlationId, clientId: CLIENT_ID };
  return Buffer.concat(encodeRequest(Produce, PRODUCE_VERSION, header, body));
}

export function produceResponse(topic: string, errorCode: number = ErrorCode.NONE): Buffer {
  const partition = { index: 0, errorCode, baseOffset: 0, recordErrors: [] };
  const body = {
    responses: [{ name: topic, partitionResponses: [partition] }],
    nodeEndpoints: [],
  };
  return Buffer.concat(encodeResponse(Produce, PRODUCE_VERSION, 0, body));
}

export function fetchRequest(
  topic: string,
  offset: number,
  maxBytes: number,
  correlationId: number,
  committed = false,
): Buffer {
  const partition = { partition: 0, fetchOffset: offset, partitionMaxBytes: maxBytes };
  const body = {
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes,
    isolationLevel: committed ? 1 : 0,
    topics: [{ topic, partitions: [partition] }],
    forgottenTopicsData: [],
  };
  const header = { correlationId, clientId: CLIENT_ID };
  return Buffer.concat(encodeRequest(Fetch, FETCH_VERSION, header, body));
}

export function fetchResponse(
  topic: string,
  records: Uint8Array,
  errorCode: number = ErrorCode.NONE,
): Buffer {
  const partition = {
    partitionIndex: 0,
    errorCode,
    highWatermark: 0,
    abortedTransactions: null,
    records,
  };
  const body = {
    errorCode: ErrorCode.NONE,
    responses: [{ topic, partitions: [partition] }],
    nodeEndpoints: [],
  };
  return Buffer.concat(encodeResponse(Fetch, FETCH_VERSION, 0, body));
}

/** Position of the partition's error code in a Produce response for `topic`. */
export function produceErrorAt(topic: string): number {
  return difference(produceResponse(topic), produceResponse(topic, -1));
}

/** Position of the partition's error code in a Fetch response for `topic`. */
export function fetchErrorAt(topic: string): number {
  const none = new Uint8Array(0);
  return difference(fetchResponse(topic, none), fetchResponse(topic, none, -1));
}

/** Position of a batch of `batchBytes` in a Produce request, and the number of bytes after it. */
export function batchPlace(topic: string, batchBytes: number): { at: number; after: number } {
  return place(batchBytes, (filled) => produceRequest(topic, 0, filled, 0));
}

/**
 * Position of `recordsBytes` of records in a Fetch response, and the number of bytes after them.
 */
export function recordsPlace(topic: string, recordsBytes: number): { at: number; after: number } {
  return place(recordsBytes, (filled) => fetchResponse(topic, filled));
}

function place(
  sizeBytes: number,
  frameAround: (filled: Uint8Array) => Buffer,
): { at: number; after: number } {
  const frame = frameAround(new Uint8Array(sizeBytes));
  const at = difference(frame, frameAround(new Uint8Array(sizeBytes).fill(1)));
  return { at, after: frame.length - at - sizeBytes };
}

/** The first position at which two frames differ. */
export function difference(a: Buffer, b: Buffer): number {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  if (at < 0) throw new Error("two frames that should differ are the same");
  return at;
}
