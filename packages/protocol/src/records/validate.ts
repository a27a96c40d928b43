// Checks what a client sent before it becomes part of a log. The outcomes are those of Kafka's
// ProduceRequest, UnifiedLog and LogValidator for records of magic 2. Stricter in what no producer
// writes: lengths below -1, varints over 32 bits, timestamps and producer ids beyond 2^53, a
// transactional batch without producer id.
//
// 1. Nothing of the batch is changed. What the log wants otherwise is said in the verdict.
// 2. A batch that passes can be decoded by every client once that was done.
import {
  BATCH_OVERHEAD,
  type BatchHeader,
  batchCrcMatches,
  batchSizeAt,
  LOG_OVERHEAD,
  MAGIC_AT,
  MAGIC_V2,
  magicAt,
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
  /** The offset deltas are not 0 to n − 1: the caller numbers the records. */
  misnumbered: boolean;
}

/**
 * Checks the records field of one partition in a Produce request: one batch, which may be followed
 * by bytes that are none; `header.sizeBytes` says where it ends.
 */
export function validateBatch(bytes: Uint8Array, rules: BatchRules): BatchAccepted | BatchRefusal {
  const view = viewOf(bytes);
  const framing = checkFraming(bytes, view) ?? checkRest(bytes, view);
  if (framing) return framing;
  const header = readBatchHeaderFrom(view, 0);
  const refusal = checkSize(header, rules) ?? checkHeader(bytes, header, rules);
  if (refusal) return refusal;
  return checkRecords(bytes.subarray(0, header.sizeBytes), header, rules);
}

/** Everything that must hold before the header's other fields mean anything. */
function checkFraming(bytes: Uint8Array, view: DataView): BatchRefusal | undefined {
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
  return undefined;
}

/** Kafka drops what follows the batch, unless it is or can't become a batch itself. */
function checkRest(bytes: Uint8Array, view: DataView): BatchRefusal | undefined {
  const at = batchSizeAt(view, 0);
  const rest = bytes.length - at;
  if (rest < LOG_OVERHEAD) return undefined;
  const sizeBytes = batchSizeAt(view, at);
  const magic = rest > MAGIC_AT ? magicAt(view, at) : MAGIC_V2;
  if (sizeBytes < SMALLEST_BATCH_BYTES || magic < 0 || magic > MAGIC_V2) {
    return refuse("corrupt", `${rest} bytes after the record batch that begin no other`);
  }
  return sizeBytes <= rest ? refuse("invalid", "more than one record batch") : undefined;
}

/** Of any magic: below that Kafka takes a length for damage. */
const SMALLEST_BATCH_BYTES = LOG_OVERHEAD + 14;

/** Both before the CRC, as in Kafka. */
function checkSize(
  { baseOffset, sizeBytes }: BatchHeader,
  { maxBatchBytes }: BatchRules,
): BatchRefusal | undefined {
  if (baseOffset !== 0) return refuse("invalid", `the base offset must be 0, not ${baseOffset}`);
  if (sizeBytes <= maxBatchBytes) return undefined;
  const limit = `the limit of ${maxBatchBytes} (max.message.bytes)`;
  return refuse("too-large", `a batch of ${sizeBytes} bytes exceeds ${limit}`);
}

function checkHeader(
  bytes: Uint8Array,
  header: BatchHeader,
  rules: BatchRules,
): BatchRefusal | undefined {
  if (!batchCrcMatches(bytes, 0, header.sizeBytes, rules.crc32c)) {
    return refuse("corrupt", "the CRC does not match");
  }
  const { compression, recordCount, lastOffsetDelta } = header;
  if (compression > 4 || (compression === 4 && !rules.zstdAllowed)) {
    return refuse("unsupported-compression", `compression ${compression} is not available here`);
  }
  if (recordCount <= 0 || lastOffsetDelta !== recordCount - 1) {
    const message = `last offset delta ${lastOffsetDelta} with ${recordCount} records`;
    return refuse("invalid", message);
  }
  if (header.isControl) return refuse("invalid", "clients may not write control batches");
  return checkProducer(header) ?? checkTimestampFields(header, rules);
}

/**
 * kafkajs sends epoch 0 and sequence 0 without a producer id, so only the reverse is judged. The
 * epoch is for the partition to judge, by what it knows of the producer.
 */
function checkProducer(header: BatchHeader): BatchRefusal | undefined {
  const { producerId, baseSequence } = header;
  if (!Number.isSafeInteger(producerId))
    return refuse("invalid", "the producer id is out of range");
  if (producerId >= 0 && baseSequence < 0) {
    return refuse("invalid", `producer ${producerId} with sequence ${baseSequence}`);
  }
  if (producerId < 0 && header.isTransactional) {
    return refuse("invalid", "a transactional batch needs a producer id");
  }
  return undefined;
}

/** What the broker replaces is not judged. */
function checkTimestampFields(header: BatchHeader, rules: BatchRules): BatchRefusal | undefined {
  if (rules.timestampType === "LogAppendTime" || Number.isSafeInteger(header.baseTimestamp)) {
    return undefined;
  }
  return refuse("timestamp", `the base timestamp ${header.baseTimestamp} is out of range`);
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
  if (judge.refused > 0) return judge.verdict(header.recordCount);
  if (rules.timestampType === "LogAppendTime") maxTimestamp = rules.now;
  return { ok: true, header, maxTimestamp, misnumbered: judge.misnumbered };
}

/** Other errors than those of input are bugs, and pass through. */
function refusalOf(error: unknown, batchIndex: number): BatchRefusal {
  if (error instanceof RecordFormatError) {
    const { message } = error;
    const summary = `record ${batchIndex} is malformed: ${message}`;
    return refuse("invalid", summary, [{ batchIndex, message }]);
  }
  if (!(error instanceof Error) || !("code" in error)) throw error;
  switch (error.code) {
    case "TARPAN_DECOMPRESSION_LIMIT":
      return refuse("too-large", error.message);
    // Not "corrupt": the CRC holds, and a client would send a CORRUPT_MESSAGE batch again and
    // again.
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
  readonly baseTimestamp: number;
  readonly earliest: number;
  readonly latest: number;
  misnumbered = false;
  /** Records found wanting, also those beyond the ones listed. */
  refused = 0;
  /** Records whose timestamp is what is wrong with them, and the last of these. */
  #badTimes = 0;
  #badTimeAt = -1;
  readonly #errors: RecordError[] = [];
  readonly #compacted: boolean;
  /** What is wrong with the one time a LogAppendTime batch claims for all its records. */
  readonly #claim: string | null;

  constructor(header: BatchHeader, rules: BatchRules) {
    this.baseTimestamp = header.baseTimestamp;
    this.#compacted = rules.compacted;
    const judged = rules.timestampType === "CreateTime";
    this.earliest = judged ? rules.now - rules.timestampBeforeMaxMs : -Infinity;
    this.latest = judged ? rules.now + rules.timestampAfterMaxMs : Infinity;
    this.#claim = null;
    if (header.timestampType === "CreateTime") return;
    this.#claim = this.#validateClaim(header.maxTimestamp, judged);
    this.earliest = this.#claim === null ? -Infinity : Infinity;
    this.latest = Infinity;
  }

  onTimestamp(index: number, timestamp: number): void {
    if (timestamp === NO_TIMESTAMP && this.#claim === null) return;
    this.#badTimes += 1;
    this.#badTimeAt = index;
    this.#report(index, this.#claim ?? this.#outside(timestamp));
  }

  /** Kafka looks at the key first, and at the timestamp only of a record that has what it needs. */
  onNullKey(index: number): void {
    if (!this.#compacted) return;
    if (this.#badTimeAt === index) {
      this.#badTimes -= 1;
      this.refused -= 1;
      if (this.#errors.at(-1)?.batchIndex === index) this.#errors.pop();
    }
    this.#report(index, "it has no key, which a compacted topic needs");
  }

  verdict(recordCount: number): BatchRefusal {
    const { batchIndex, message } = this.#errors[0]!;
    const others = this.refused > 1 ? `, and ${this.refused - 1} more were refused` : "";
    const summary = `record ${batchIndex} of ${recordCount}: ${message}${others}`;
    // One bad timestamp decides the error of the whole batch, whatever else is wrong with it.
    return refuse(this.#badTimes > 0 ? "timestamp" : "invalid", summary, this.#errors);
  }

  /** Kafka judges the claimed time by the topic's range, and drops the claim. */
  #validateClaim(claimed: number, judged: boolean): string | null {
    if (!judged || claimed === NO_TIMESTAMP) {
      return "only the broker may set the timestamp type LogAppendTime";
    }
    return claimed < this.earliest || claimed > this.latest ? this.#outside(claimed) : null;
  }

  #outside(timestamp: number): string {
    return `its timestamp ${timestamp} is not within [${this.earliest}, ${this.latest}]`;
  }

  #report(batchIndex: number, message: string): void {
    this.refused += 1;
    if (this.#errors.length < MAX_RECORD_ERRORS) this.#errors.push({ batchIndex, message });
  }
}

function refuse(
  error: BatchErrorKind,
  message: string,
  recordErrors: RecordError[] = [],
): BatchRefusal {
  return { ok: false, error, message, recordErrors };
}
