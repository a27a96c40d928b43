// Validates a produced batch before it is appended to a log. The results are those of Kafka's
// ProduceRequest, UnifiedLog and LogValidator for magic 2. Stricter than Kafka where no producer is
// affected: lengths below -1, varints over 32 bits, timestamps and producer ids beyond 2^53, and
// transactional batches without a producer id are refused.
//
// 1. The batch is not changed. The result says what the caller has to change before the append.
// 2. After these changes, every client can decode the batch.
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
import { type Decompress, type PlainRecords, recordsField } from "./decompress.ts";
import { MAX_RECORD_ERRORS } from "./limits.ts";
import { RecordFormatError } from "./varint.ts";
import { type WalkRules, walked, walkRecords } from "./walk.ts";

export interface BatchRules {
  crc32c: Checksum;
  decompress: Decompress;
  /** Bytes of the batch as sent: max.message.bytes. */
  maxBatchBytes: number;
  /** Limit for the decompressed records, bytes. */
  maxDecompressedBytes: number;
  /** Whether cleanup.policy has compact: every record needs a key then. */
  compacted: boolean;
  /** False below Produce version 7. */
  zstdAllowed: boolean;
  /** message.timestamp.type of the topic. */
  timestampType: "CreateTime" | "LogAppendTime";
  /** Wall clock, ms since the epoch. */
  now: number;
  /** message.timestamp.before.max.ms: how old a timestamp may be, ms. May be Infinity. */
  timestampBeforeMaxMs: number;
  /** message.timestamp.after.max.ms: how far in the future a timestamp may be. May be Infinity. */
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
   * The maxTimestamp that the batch must have in the log: the largest of its records, or `now` for
   * a LogAppendTime topic. If the header differs, the caller overwrites it, as Kafka does.
   */
  maxTimestamp: number;
  /** Whether the offset deltas are not 0 to n − 1: the caller must renumber the records. */
  misnumbered: boolean;
  /** The records, decompressed. */
  records: PlainRecords;
}

/**
 * Validates the records field of one partition in a Produce request: one batch, which ends at
 * `header.sizeBytes`. Other bytes may follow it.
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

/** Checks size, magic and length: without them the other fields mean nothing. */
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

/** Kafka ignores bytes after the batch, but refuses a second batch and an impossible length. */
function checkRest(bytes: Uint8Array, view: DataView): BatchRefusal | undefined {
  const at = batchSizeAt(view, 0);
  const rest = bytes.length - at;
  if (rest < LOG_OVERHEAD) return undefined;
  const sizeBytes = batchSizeAt(view, at);
  const magic = rest > MAGIC_AT ? magicAt(view, at) : MAGIC_V2;
  if (sizeBytes < SMALLEST_BATCH_BYTES || magic < 0 || magic > MAGIC_V2) {
    return refuse("corrupt", `${rest} bytes after the record batch that are no batch`);
  }
  return sizeBytes <= rest ? refuse("invalid", "more than one record batch") : undefined;
}

/** The smallest batch of any magic: Kafka treats a smaller length as corruption. */
const SMALLEST_BATCH_BYTES = LOG_OVERHEAD + 14;

/** Checked before the CRC, as in Kafka. */
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
    return refuse(
      "unsupported-compression",
      `compression ${compression} is not supported in this version`,
    );
  }
  if (recordCount <= 0 || lastOffsetDelta !== recordCount - 1) {
    const message = `last offset delta ${lastOffsetDelta} with ${recordCount} records`;
    return refuse("invalid", message);
  }
  if (header.isControl) return refuse("invalid", "clients may not write control batches");
  return checkProducer(header) ?? checkTimestampFields(header, rules);
}

/**
 * kafkajs sends epoch 0 and sequence 0 without a producer id, so only a producer id without a
 * sequence is refused. The partition checks the epoch: it knows the producer's last one.
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

/** Values that the broker overwrites are not checked. */
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
  const checker = new RecordChecker(header, rules);
  let maxTimestamp: number;
  let records: PlainRecords;
  walked.index = 0;
  try {
    records = recordsField(bytes, header, rules.decompress, rules.maxDecompressedBytes);
    const { start, end } = records;
    maxTimestamp = walkRecords(records.bytes, start, end, header.recordCount, checker);
  } catch (error) {
    return refusalOf(error, walked.index);
  }
  if (checker.refused > 0) return checker.refusal(header.recordCount);
  if (rules.timestampType === "LogAppendTime") maxTimestamp = rules.now;
  return { ok: true, header, maxTimestamp, misnumbered: checker.misnumbered, records };
}

/** An error that the input did not cause is a bug, and is thrown again. */
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
    // Not "corrupt": the CRC is right, and clients retry CORRUPT_MESSAGE for ever.
    case "TARPAN_DECOMPRESSION_FAILED":
      return refuse("invalid", error.message);
    case "TARPAN_CODEC_UNAVAILABLE":
      return refuse("unsupported-compression", error.message);
    default:
      throw error;
  }
}

/** Collects the errors of well-formed records. */
class RecordChecker implements WalkRules {
  readonly baseTimestamp: number;
  readonly earliest: number;
  readonly latest: number;
  misnumbered = false;
  /** The number of records with an error, listed or not. */
  refused = 0;
  /** The number of records with a wrong timestamp, and the last of them. */
  #badTimes = 0;
  #badTimeAt = -1;
  readonly #errors: RecordError[] = [];
  readonly #compacted: boolean;
  /** Why the one timestamp of a LogAppendTime batch is invalid; null if it is valid or absent. */
  readonly #appendTimeError: string | null;

  constructor(header: BatchHeader, rules: BatchRules) {
    this.baseTimestamp = header.baseTimestamp;
    this.#compacted = rules.compacted;
    const isChecked = rules.timestampType === "CreateTime";
    this.earliest = isChecked ? rules.now - rules.timestampBeforeMaxMs : -Infinity;
    this.latest = isChecked ? rules.now + rules.timestampAfterMaxMs : Infinity;
    this.#appendTimeError = null;
    if (header.timestampType === "CreateTime") return;
    this.#appendTimeError = this.#checkAppendTime(header.maxTimestamp, isChecked);
    this.earliest = this.#appendTimeError === null ? -Infinity : Infinity;
    this.latest = Infinity;
  }

  onTimestamp(index: number, timestamp: number): void {
    if (timestamp === NO_TIMESTAMP && this.#appendTimeError === null) return;
    this.#badTimes += 1;
    this.#badTimeAt = index;
    this.#report(index, this.#appendTimeError ?? this.#outside(timestamp));
  }

  /** Kafka checks the key first, and the timestamp only if the key is right. */
  onNullKey(index: number): void {
    if (!this.#compacted) return;
    if (this.#badTimeAt === index) {
      this.#badTimes -= 1;
      this.refused -= 1;
      if (this.#errors.at(-1)?.batchIndex === index) this.#errors.pop();
    }
    this.#report(index, "it has no key, which a compacted topic needs");
  }

  refusal(recordCount: number): BatchRefusal {
    const { batchIndex, message } = this.#errors[0]!;
    const others = this.refused > 1 ? `, and ${this.refused - 1} more were refused` : "";
    const summary = `record ${batchIndex} of ${recordCount}: ${message}${others}`;
    // If a timestamp is wrong, the batch's error is INVALID_TIMESTAMP, whatever else is wrong.
    return refuse(this.#badTimes > 0 ? "timestamp" : "invalid", summary, this.#errors);
  }

  /** Kafka checks the batch's LogAppendTime against the topic's range, then clears it. */
  #checkAppendTime(appendTime: number, isChecked: boolean): string | null {
    if (!isChecked || appendTime === NO_TIMESTAMP) {
      return "only the broker may set the timestamp type LogAppendTime";
    }
    const isOutside = appendTime < this.earliest || appendTime > this.latest;
    return isOutside ? this.#outside(appendTime) : null;
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
