// Checks what a client sent before it becomes part of a log. The outcomes are those of Kafka's
// ProduceRequest, UnifiedLog and LogValidator for records of magic 2, with these differences, all stricter:
// offset deltas must be 0..n-1 here (Kafka rewrites some), a batch must not claim LogAppendTime, trailing
// bytes are refused, and what no Kafka producer writes (negative timestamps but -1, lengths below -1,
// over-long varints, a transactional batch without producer id) is refused too.
//
// 1. Nothing of the batch is changed.
// 2. A batch that passes can be decoded by every client.
import {
  BATCH_OVERHEAD,
  type BatchHeader,
  batchCrcMatches,
  batchSizeAt,
  LOG_OVERHEAD,
  MAGIC_AT,
  MAGIC_V2,
  NO_TIMESTAMP,
  readBatchHeaderFrom,
  viewOf,
} from "./batch-header.ts";
import type { Checksum } from "./crc32c.ts";
import { type Decompress, recordsField } from "./decompress.ts";
import { MAX_RECORD_ERRORS } from "./limits.ts";
import { RecordFormatError } from "./varint.ts";
import { type WalkRules, walked, walkRecords } from "./walk.ts";

export interface BatchRules {
  crc32c: Checksum;
  decompress: Decompress;
  /** Bytes of the batch as sent: max.message.bytes. */
  maxBatchBytes: number;
  /** Bytes its records may expand to. */
  maxDecompressedBytes: number;
  /** cleanup.policy has compact: every record needs a key. */
  compacted: boolean;
  /** False below Produce version 7. */
  zstdAllowed: boolean;
  /** message.timestamp.type of the topic. */
  timestampType: "CreateTime" | "LogAppendTime";
  /** Wall clock, ms since the epoch. */
  now: number;
  /** message.timestamp.before.max.ms: how far a record may lie before now. Infinity is fine. */
  timestampBeforeMaxMs: number;
  /** message.timestamp.after.max.ms: how far a record may lie after now. Infinity is fine. */
  timestampAfterMaxMs: number;
}

/**
 * invalid: INVALID_RECORD 87 · corrupt: CORRUPT_MESSAGE 2 · too-large: MESSAGE_TOO_LARGE 10 ·
 * timestamp: INVALID_TIMESTAMP 32 · unsupported-compression: UNSUPPORTED_COMPRESSION_TYPE 76.
 */
export type BatchErrorKind =
  | "invalid"
  | "corrupt"
  | "too-large"
  | "timestamp"
  | "unsupported-compression";

export interface RecordError {
  /** Index of the record in its batch: `batch_index` of a Produce response. */
  batchIndex: number;
  message: string;
}

export interface BatchRefusal {
  ok: false;
  error: BatchErrorKind;
  message: string;
  /** At most MAX_RECORD_ERRORS. */
  recordErrors: RecordError[];
}

export interface BatchAccepted {
  ok: true;
  header: BatchHeader;
  /**
   * What the batch's maxTimestamp must be in the log: the largest of its records, or `now` for a
   * LogAppendTime topic. Where the header says otherwise the caller stamps it, as Kafka does.
   */
  maxTimestamp: number;
}

/** Checks the records field of one partition in a Produce request: exactly one batch. */
export function validateBatch(bytes: Uint8Array, rules: BatchRules): BatchAccepted | BatchRefusal {
  const view = viewOf(bytes);
  const framing = checkFraming(bytes, view, rules);
  if (framing) return framing;
  const header = readBatchHeaderFrom(view, 0);
  const refusal = checkHeader(bytes, header, rules);
  if (refusal) return refusal;
  return checkRecords(bytes, header, rules);
}

/** Everything that must hold before the header's other fields mean anything. */
function checkFraming(
  bytes: Uint8Array,
  view: DataView,
  rules: BatchRules,
): BatchRefusal | undefined {
  if (bytes.length === 0) return refuse("invalid", "no record batch");
  if (bytes.length <= MAGIC_AT)
    return refuse("corrupt", `${bytes.length} bytes are no record batch`);
  const magic = view.getInt8(MAGIC_AT);
  if (magic !== MAGIC_V2) {
    return refuse("invalid", `record batches need magic 2, this one has ${magic}`);
  }
  const sizeBytes = batchSizeAt(view, 0);
  if (sizeBytes < BATCH_OVERHEAD || sizeBytes > bytes.length) {
    return refuse("corrupt", `a batch of ${sizeBytes} bytes in a field of ${bytes.length}`);
  }
  if (sizeBytes < bytes.length) {
    const rest = bytes.length - sizeBytes;
    const another = rest >= LOG_OVERHEAD && batchSizeAt(view, sizeBytes) <= rest;
    if (another) return refuse("invalid", "more than one record batch");
    return refuse("corrupt", `${rest} bytes after the record batch`);
  }
  if (sizeBytes > rules.maxBatchBytes) {
    return refuse("too-large", `${sizeBytes} bytes exceed the limit of ${rules.maxBatchBytes}`);
  }
  return undefined;
}

function checkHeader(
  bytes: Uint8Array,
  header: BatchHeader,
  rules: BatchRules,
): BatchRefusal | undefined {
  if (!batchCrcMatches(bytes, 0, bytes.length, rules.crc32c)) {
    return refuse("corrupt", "the CRC does not match");
  }
  const { compression, recordCount, lastOffsetDelta } = header;
  if (compression > 4 || (compression === 4 && !rules.zstdAllowed)) {
    return refuse("unsupported-compression", `compression ${compression} is not available here`);
  }
  if (header.baseOffset !== 0) {
    return refuse("invalid", `the base offset must be 0, not ${header.baseOffset}`);
  }
  if (recordCount <= 0 || lastOffsetDelta !== recordCount - 1) {
    const message = `last offset delta ${lastOffsetDelta} with ${recordCount} records`;
    return refuse("invalid", message);
  }
  if (header.isControl) return refuse("invalid", "clients may not write control batches");
  return checkProducer(header) ?? checkTimestampFields(header);
}

/** kafkajs sends epoch 0 and sequence 0 without a producer id, so only the reverse is judged. */
function checkProducer(header: BatchHeader): BatchRefusal | undefined {
  const { producerId, producerEpoch, baseSequence } = header;
  if (!Number.isSafeInteger(producerId))
    return refuse("invalid", "the producer id is out of range");
  if (producerId >= 0 && (producerEpoch < 0 || baseSequence < 0)) {
    const message = `producer ${producerId} with epoch ${producerEpoch}, sequence ${baseSequence}`;
    return refuse("invalid", message);
  }
  if (producerId < 0 && header.isTransactional) {
    return refuse("invalid", "a transactional batch needs a producer id");
  }
  return undefined;
}

function checkTimestampFields(header: BatchHeader): BatchRefusal | undefined {
  if (!Number.isSafeInteger(header.baseTimestamp) || !Number.isSafeInteger(header.maxTimestamp)) {
    return refuse("timestamp", "a timestamp is out of range");
  }
  if (header.timestampType === "LogAppendTime") {
    return refuse("timestamp", "a producer may not set the timestamp type to LogAppendTime");
  }
  if (header.hasDeleteHorizon) {
    return refuse("invalid", "a producer may not set a delete horizon");
  }
  return undefined;
}

function checkRecords(
  bytes: Uint8Array,
  header: BatchHeader,
  rules: BatchRules,
): BatchAccepted | BatchRefusal {
  const judge = new RecordJudge(header, rules);
  let maxTimestamp: number;
  walked.index = 0;
  try {
    const field = recordsField(bytes, header, rules.decompress, rules.maxDecompressedBytes);
    maxTimestamp = walkRecords(field.bytes, field.start, field.end, header.recordCount, judge);
  } catch (error) {
    return refusalOf(error, walked.index);
  }
  if (judge.errors.length > 0) return refuse(judge.kind, "records were refused", judge.errors);
  if (rules.timestampType === "LogAppendTime") maxTimestamp = rules.now;
  return { ok: true, header, maxTimestamp };
}

/** Other errors than those of input are bugs, and pass through. */
function refusalOf(error: unknown, batchIndex: number): BatchRefusal {
  if (error instanceof RecordFormatError) {
    const { message } = error;
    return refuse("invalid", "malformed records", [{ batchIndex, message }]);
  }
  if (!(error instanceof Error) || !("code" in error)) throw error;
  switch (error.code) {
    case "TARPAN_DECOMPRESSION_LIMIT":
      return refuse("too-large", error.message);
    // Not "corrupt": the CRC holds, and a client would send a CORRUPT_MESSAGE batch again and again.
    case "TARPAN_DECOMPRESSION_FAILED":
      return refuse("invalid", error.message);
    case "TARPAN_CODEC_UNAVAILABLE":
      return refuse("unsupported-compression", error.message);
    default:
      throw error;
  }
}

/** Collects what is wrong with records that are well formed. */
class RecordJudge implements WalkRules {
  kind: BatchErrorKind = "invalid";
  readonly errors: RecordError[] = [];
  readonly baseTimestamp: number;
  readonly earliest: number;
  readonly latest: number;
  readonly #compacted: boolean;

  constructor(header: BatchHeader, rules: BatchRules) {
    this.baseTimestamp = header.baseTimestamp;
    this.#compacted = rules.compacted;
    const judged = rules.timestampType === "CreateTime";
    this.earliest = judged ? Math.max(0, rules.now - rules.timestampBeforeMaxMs) : -Infinity;
    this.latest = judged ? rules.now + rules.timestampAfterMaxMs : Infinity;
  }

  onTimestamp(index: number, timestamp: number): void {
    if (timestamp === NO_TIMESTAMP) return;
    // One bad timestamp decides the error of the whole batch, whatever else is wrong with it.
    this.kind = "timestamp";
    this.#report(index, `timestamp ${timestamp} is not within [${this.earliest}, ${this.latest}]`);
  }

  onNullKey(index: number): void {
    if (this.#compacted) this.#report(index, "a compacted topic needs a key");
  }

  #report(batchIndex: number, message: string): void {
    if (this.errors.length < MAX_RECORD_ERRORS) this.errors.push({ batchIndex, message });
  }
}

function refuse(
  error: BatchErrorKind,
  message: string,
  recordErrors: RecordError[] = [],
): BatchRefusal {
  return { ok: false, error, message, recordErrors };
}
