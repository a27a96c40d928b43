import { crc32c, decompress } from "@tarpan/codecs";
import {
  type BatchAccepted,
  type BatchErrorKind,
  type BatchHeader,
  type BatchRefusal,
  Compression,
  ErrorCode,
  errorOf,
  type PlainRecords,
  type RecordError,
  readBatchHeader,
  stampAppendTime,
  stampCreateTime,
  validateBatch,
} from "@tarpan/protocol";
import type { TopicConfig } from "../config/kafka/typed.ts";
import type { LogId } from "../log/log.ts";
import { fitting } from "../metadata/outcome.ts";
import { type BatchIds, batchIdsOf } from "./batch-ids.ts";
import { compressInPool } from "./compress-in-pool.ts";
import { MAX_DECOMPRESSED_BATCH_BYTES } from "./limits.ts";
import type { Partition } from "./partition.ts";
import { codecFor, levelOf, recordsOf, withRecords } from "./rebuild.ts";
import { answerFor, type Verification } from "./verifications.ts";

/** The answer to one partition of a Produce request. */
export interface ProduceOutcome {
  readonly errorCode: ErrorCode;
  readonly baseOffset: number;
  /** -1 unless the topic's timestamps are of type LogAppendTime. */
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
  readonly recordErrors: readonly RefusedRecord[];
  readonly errorMessage: string | null;
}

/** In the form of the response's codec. */
interface RefusedRecord {
  readonly batchIndex: number;
  readonly batchIndexErrorMessage: string;
}

export interface ProduceRules {
  readonly config: TopicConfig;
  /** Wall clock, ms since the epoch. */
  readonly now: number;
  /** False below Produce 7. */
  readonly zstdAllowed: boolean;
  readonly transactions: TransactionRules;
  /** What is wrong with records that the broker itself reads; null for a topic of clients. */
  readonly errorsOf: RecordErrors | null;
}

/** An error without a code is INVALID_RECORD. */
export type RecordErrors = (
  records: PlainRecords,
  count: number,
  nowMs: number,
  maxMessageBytes: number,
) => readonly (RecordError & { readonly errorCode?: ErrorCode })[];

export interface TransactionRules {
  /** Whether each transaction has an epoch of its own (KIP-890). */
  readonly bumpsEpoch: boolean;
  /** Of the request. */
  readonly transactionalId: string | null;
  /**
   * Asks the coordinator whether a batch's transaction holds the partition. Resolves to NONE or the
   * error code for the client.
   */
  verify(batch: BatchHeader, partition: LogId): Promise<ErrorCode>;
}

/**
 * Checks a client's batch, converts it to its topic's format if necessary, and appends it. A batch
 * that stays as it is has its offset, or is refused, before this returns; the promise waits until
 * it is durable. One that has to be compressed is appended later, and all batches that come for the
 * partition meanwhile are appended behind it (ADR 28).
 */
export function produce(
  partition: Partition,
  records: Uint8Array | null,
  rules: ProduceRules,
): Promise<ProduceOutcome> | ProduceOutcome {
  const { config, now, zstdAllowed } = rules;
  const verdict = validateBatch(records ?? NO_BYTES, {
    crc32c,
    decompress,
    maxBatchBytes: config.maxMessageBytes,
    maxDecompressedBytes: MAX_DECOMPRESSED_BATCH_BYTES,
    compacted: config.compact,
    zstdAllowed,
    timestampType: config.messageTimestampType,
    now,
    timestampBeforeMaxMs: config.messageTimestampBeforeMaxMs,
    timestampAfterMaxMs: config.messageTimestampAfterMaxMs,
  });
  if (!verdict.ok) return refused(partition, verdict);
  const { header } = verdict;
  const { recordCount: count } = header;
  const errors = rules.errorsOf?.(verdict.records, count, now, config.maxMessageBytes) ?? NO_ERRORS;
  if (errors.length > 0) return badRecords(partition, header.recordCount, errors);
  if (!header.isTransactional) return accept(partition, records!, verdict, rules, null);
  const { bumpsEpoch, transactionalId, verify } = rules.transactions;
  // As in Kafka: nobody may write in a transaction without its name, not even in an open one.
  if (transactionalId === null) return nameless(partition);
  const verification = partition.verify(header, bumpsEpoch, now, transactionalId);
  if (verification === null) return accept(partition, records!, verdict, rules, null);
  const ask = () => verify(header, partition.id);
  const answer = answerFor(verification, transactionalId, header.producerEpoch, ask);
  return answer.then((errorCode) => {
    if (errorCode !== ErrorCode.NONE) return unverified(partition, errorCode);
    return accept(partition, records!, verdict, rules, verification);
  });
}

/** Appends a batch that is valid, in its topic's format. */
function accept(
  partition: Partition,
  records: Uint8Array,
  verdict: BatchAccepted,
  rules: ProduceRules,
  verification: Verification | null,
): Promise<ProduceOutcome> | ProduceOutcome {
  const { header } = verdict;
  const { config } = rules;
  // An aborted record must not make a later one its copy.
  const hasIds = partition.messageIds !== null && !header.isTransactional;
  const { ids, errors } = hasIds ? idsOf(verdict) : NO_IDS;
  if (errors.length > 0) return badRecords(partition, header.recordCount, errors);
  const sent = records.subarray(0, header.sizeBytes);
  const codec = codecFor(header, config);
  if (codec !== header.compression || verdict.misnumbered) {
    return convert(partition, sent, { verdict, codec, ids, rules, verification });
  }
  stampTimestamps(sent, header, verdict.maxTimestamp, config);
  return appendInOrder(partition, sent, header, { ids, rules, verification });
}

interface Conversion {
  readonly verdict: BatchAccepted;
  readonly codec: number;
  readonly ids: BatchIds | null;
  readonly rules: ProduceRules;
  readonly verification: Verification | null;
}

function convert(
  partition: Partition,
  sent: Uint8Array,
  { verdict, codec, ids, rules, verification }: Conversion,
): Promise<ProduceOutcome> | ProduceOutcome {
  const { header, maxTimestamp } = verdict;
  const { config } = rules;
  const plain = recordsOf(verdict);
  const converted = (body: Uint8Array): Converted => {
    const batch = withRecords(sent, header, codec, body, crc32c);
    if (batch.byteLength > config.maxMessageBytes) return grown(partition, batch, config);
    const changed = readBatchHeader(batch);
    stampTimestamps(batch, changed, maxTimestamp, config);
    return { batch, header: changed };
  };
  const appendConverted = (done: Converted) =>
    "errorCode" in done
      ? done
      : append(partition, done.batch, done.header, { ids, rules, verification });
  if (codec === Compression.none && partition.compressed.isIdle) {
    return appendConverted(converted(plain));
  }
  const body =
    codec === Compression.none ? plain : compressInPool(codec, plain, levelOf(codec, config));
  return partition.compressed.run(Promise.resolve(body).then(converted), appendConverted);
}

type Converted = { readonly batch: Uint8Array; readonly header: BatchHeader } | ProduceOutcome;

function appendInOrder(
  partition: Partition,
  batch: Uint8Array,
  header: BatchHeader,
  how: Appended,
): Promise<ProduceOutcome> {
  const { compressed } = partition;
  if (compressed.isIdle) return append(partition, batch, header, how);
  return compressed.run(DONE, () => append(partition, batch, header, how));
}

type Appended = Pick<Conversion, "ids" | "rules" | "verification">;

const DONE = Promise.resolve();

async function append(
  partition: Partition,
  batch: Uint8Array,
  header: BatchHeader,
  { ids, rules: { config, now }, verification }: Appended,
): Promise<ProduceOutcome> {
  const { errorCode, baseOffset, message } = await partition.append(
    batch,
    header,
    now,
    ids,
    verification,
  );
  if (errorCode !== ErrorCode.NONE) return refusedBy(partition, errorCode, message!);
  return {
    errorCode,
    baseOffset,
    logAppendTimeMs: config.messageTimestampType === "LogAppendTime" ? now : -1,
    logStartOffset: partition.log.startOffset,
    recordErrors: NO_RECORD_ERRORS,
    errorMessage: null,
  };
}

/** Stamps the true max timestamp: the log's index relies on it, and producers may send another. */
function stampTimestamps(
  batch: Uint8Array,
  header: BatchHeader,
  maxTimestamp: number,
  config: TopicConfig,
): void {
  if (config.messageTimestampType === "LogAppendTime") {
    stampAppendTime(batch, 0, maxTimestamp, crc32c);
  } else if (header.maxTimestamp !== maxTimestamp || hasBrokerAttributes(header)) {
    stampCreateTime(batch, 0, maxTimestamp, crc32c);
  } else return;
  header.maxTimestamp = maxTimestamp;
}

/** Whether the header has attributes that only brokers may set. */
function hasBrokerAttributes({ timestampType, hasDeleteHorizon }: BatchHeader): boolean {
  return timestampType === "LogAppendTime" || hasDeleteHorizon;
}

export function failedProduce(errorCode: ErrorCode, errorMessage = errorOf(errorCode).message) {
  const recordErrors = NO_RECORD_ERRORS;
  const none = { baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1 };
  return { ...none, errorCode, recordErrors, errorMessage } satisfies ProduceOutcome;
}

/** The refusal for a partition that cannot be found here. */
export function notFound(topic: string, index: number, errorCode: ErrorCode): ProduceOutcome {
  const reason = `${errorOf(errorCode).message} ${placeOf(topic, index)}`;
  return failedProduce(errorCode, fitting(reason));
}

/** A refusal by a partition that is led here, with its log start offset. */
export function refusedBy(
  { id, log }: Partition,
  errorCode: ErrorCode,
  reason: string,
  recordErrors: readonly RecordError[] = [],
): ProduceOutcome {
  const place = placeOf(id.topic, id.partition);
  return {
    ...failedProduce(errorCode, `${reason} ${place}`),
    logStartOffset: WITHOUT_LOG_START.has(errorCode) ? -1 : log.startOffset,
    recordErrors: recordErrors.map(({ batchIndex, message }) => ({
      batchIndex,
      batchIndexErrorMessage: `${message} ${place}`,
    })),
  };
}

function placeOf(topic: string, index: number): string {
  return `(partition ${topic}-${index})`;
}

/** For these errors Kafka's broker does not tell the log start offset. */
const WITHOUT_LOG_START: ReadonlySet<number> = new Set([
  ErrorCode.CORRUPT_MESSAGE,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.MESSAGE_TOO_LARGE,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
]);

function refused(partition: Partition, { error, message, recordErrors }: BatchRefusal) {
  return refusedBy(partition, CODE_OF[error], message, recordErrors);
}

const NO_IDS: ReturnType<typeof batchIdsOf> = { ids: null, errors: [] };

function idsOf({ records, header }: BatchAccepted): ReturnType<typeof batchIdsOf> {
  return batchIdsOf(records, header.recordCount);
}

function badRecords(partition: Partition, count: number, errors: ReturnType<RecordErrors>) {
  const { batchIndex, message, errorCode = ErrorCode.INVALID_RECORD } = errors[0]!;
  const reason = `record ${batchIndex} of ${count}: ${message}`;
  return refusedBy(partition, errorCode, reason, errors);
}

function nameless(partition: Partition): ProduceOutcome {
  const why = "a transactional batch came without a transactional id";
  return refusedBy(partition, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, why);
}

function unverified(partition: Partition, errorCode: ErrorCode): ProduceOutcome {
  const why = "it could not be verified that the partition is in the producer's transaction";
  return refusedBy(partition, errorCode, `${why}: ${errorOf(errorCode).message}`);
}

/** The refusal of a batch that became too large when the broker compressed it again. */
function grown(partition: Partition, batch: Uint8Array, config: TopicConfig): ProduceOutcome {
  const limit = `the limit of ${config.maxMessageBytes} (max.message.bytes)`;
  const message = `a batch of ${batch.byteLength} bytes after compression by the broker`;
  return refusedBy(partition, ErrorCode.MESSAGE_TOO_LARGE, `${message} exceeds ${limit}`);
}

const CODE_OF: Record<BatchErrorKind, ErrorCode> = {
  invalid: ErrorCode.INVALID_RECORD,
  corrupt: ErrorCode.CORRUPT_MESSAGE,
  "too-large": ErrorCode.MESSAGE_TOO_LARGE,
  timestamp: ErrorCode.INVALID_TIMESTAMP,
  "unsupported-compression": ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
};

const NO_ERRORS: ReturnType<RecordErrors> = [];
const NO_BYTES = new Uint8Array(0);
const NO_RECORD_ERRORS: readonly RefusedRecord[] = [];
