// Frames made before a run, and where in them the few bytes are that a run looks at. The places are
// found by comparing two encodings, so no layout is written down a second time.

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
 * The last versions that name topics by name: a load needs no topic ids, and Kafka 4 serves them.
 */
const PRODUCE_VERSION = 12;
const FETCH_VERSION = 12;

const CLIENT_ID = "bench";
export const LENGTH_BYTES = 4;
/** Where the correlation id is: after length, API key and version, or right after the length. */
export const REQUEST_ID_AT = 8;
export const RESPONSE_ID_AT = 4;

/** A batch of records with values of `recordBytes`, as many as fit `batchBytes`, at least one. */
export function batchOf(
  recordBytes: number,
  batchBytes: number,
): { batch: Uint8Array; records: number } {
  const timestamp = Date.now();
  const value = new Uint8Array(recordBytes).map((_, i) => (i * 131) & 0xff);
  const record: RecordInput = { key: null, value, timestamp };
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
): Buffer {
  const partition = { partition: 0, fetchOffset: offset, partitionMaxBytes: maxBytes };
  const body = {
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes,
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

/** Where the partition's error code is in a Produce response for `topic`. */
export function produceErrorAt(topic: string): number {
  return difference(produceResponse(topic), produceResponse(topic, -1));
}

/** Where the partition's error code is in a Fetch response for `topic`. */
export function fetchErrorAt(topic: string): number {
  const none = new Uint8Array(0);
  return difference(fetchResponse(topic, none), fetchResponse(topic, none, -1));
}

/** Where a batch of `batchBytes` begins in a Produce request, and how many bytes follow it. */
export function batchPlace(topic: string, batchBytes: number): { at: number; after: number } {
  return place(batchBytes, (filled) => produceRequest(topic, 0, filled, 0));
}

/** Where records of `recordsBytes` begin in a Fetch response, and how many bytes follow them. */
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

/** Where two frames differ first. */
export function difference(a: Buffer, b: Buffer): number {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  if (at < 0) throw new Error("two frames that should differ are the same");
  return at;
}
