import { compress, crc32c, decompress } from "@tarpan/codecs";
import {
  type BatchErrorKind,
  type BatchHeader,
  type BatchRefusal,
  ErrorCode,
  type RecordError,
  readBatchHeader,
  stampAppendTime,
  stampMaxTimestamp,
  validateBatch,
} from "@tarpan/protocol";
import type { TopicConfig } from "../config/kafka/typed.ts";
import { MAX_DECOMPRESSED_BATCH_BYTES } from "./limits.ts";
import type { Partition } from "./partition.ts";
import { recompress } from "./recompress.ts";

/** What one partition of a Produce request is answered with. */
export interface ProduceOutcome {
  readonly errorCode: number;
  readonly baseOffset: number;
  /** -1 unless the topic has the broker's clock stamp its records. */
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
  readonly recordErrors: readonly RecordError[];
  readonly errorMessage: string | null;
}

export interface ProduceRules {
  readonly config: TopicConfig;
  /** Wall clock, ms since the epoch. */
  readonly now: number;
  /** False below Produce 7. */
  readonly zstdAllowed: boolean;
}

/**
 * Checks a client's batch, brings it into the form its topic wants, and appends it. The batch is
 * appended, or refused, before this returns; the promise is for durability.
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
  if (!verdict.ok) return refused(verdict);
  if (verdict.header.isTransactional) return noTransactions();
  const batch = recompress(records!, verdict.header, config.compressionType, {
    compress,
    decompress,
    crc32c,
  });
  const header = batch === records ? verdict.header : readBatchHeader(batch);
  stampTimestamps(batch, header, verdict.maxTimestamp, config);
  return append(partition, batch, header, rules);
}

async function append(
  partition: Partition,
  batch: Uint8Array,
  header: BatchHeader,
  { config, now }: ProduceRules,
): Promise<ProduceOutcome> {
  const { errorCode, baseOffset, message } = await partition.append(batch, header);
  const stamped = errorCode === ErrorCode.NONE && config.messageTimestampType === "LogAppendTime";
  return {
    errorCode,
    baseOffset,
    logAppendTimeMs: stamped ? now : -1,
    logStartOffset: errorCode === ErrorCode.NONE ? partition.log.startOffset : -1,
    recordErrors: NO_RECORD_ERRORS,
    errorMessage: message,
  };
}

/** The batch as produced need not say its largest timestamp truly; the log's index relies on it. */
function stampTimestamps(
  batch: Uint8Array,
  header: BatchHeader,
  maxTimestamp: number,
  config: TopicConfig,
): void {
  if (config.messageTimestampType === "LogAppendTime") {
    stampAppendTime(batch, 0, maxTimestamp, crc32c);
  } else if (header.maxTimestamp !== maxTimestamp) {
    stampMaxTimestamp(batch, 0, maxTimestamp, crc32c);
  } else return;
  header.maxTimestamp = maxTimestamp;
}

export function failedProduce(errorCode: number, errorMessage: string | null = null) {
  const recordErrors = NO_RECORD_ERRORS;
  const none = { baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1 };
  return { ...none, errorCode, recordErrors, errorMessage } satisfies ProduceOutcome;
}

function refused({ error, message, recordErrors }: BatchRefusal): ProduceOutcome {
  return { ...failedProduce(CODE_OF[error], message), recordErrors };
}

function noTransactions(): ProduceOutcome {
  const message = "this broker does not serve transactions: no transaction is open";
  return failedProduce(ErrorCode.INVALID_TXN_STATE, message);
}

const CODE_OF: Record<BatchErrorKind, number> = {
  invalid: ErrorCode.INVALID_RECORD,
  corrupt: ErrorCode.CORRUPT_MESSAGE,
  "too-large": ErrorCode.MESSAGE_TOO_LARGE,
  timestamp: ErrorCode.INVALID_TIMESTAMP,
  "unsupported-compression": ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
};

const NO_BYTES = new Uint8Array(0);
const NO_RECORD_ERRORS: readonly RecordError[] = [];
