import {
  anyString,
  type Checks,
  callback,
  checkOptions,
  flag,
  integer,
  mustBe,
  oneOf,
  shape,
} from "../checks/checks.ts";
import { timeoutMs, waitMs } from "../checks/values.ts";
import { ClientError } from "../errors.ts";
import {
  DRAIN_TIMEOUT_MS,
  MAX_CONCURRENCY,
  MAX_POLL_INTERVAL_MS,
  MAX_UNCOMMITTED_RECORDS,
  RETRY_DELAY_MAX_MS,
  RETRY_DELAY_MS,
} from "../limits.ts";
import type { ConsumedRecord } from "../record.ts";

/** What a handler is told beside its records. */
export interface HandlerContext {
  /** 1 for the first attempt. Attempts before a restart of the process count. */
  readonly attempt: number;
  /**
   * Aborted when the result will be ignored: after `handlerTimeoutMs`; if the partition was lost;
   * or `drainTimeoutMs` after the partition was revoked or the run was ended.
   */
  readonly signal: AbortSignal;
}

type RecordHandler = (record: ConsumedRecord, context: HandlerContext) => unknown;
type BatchHandler = (records: readonly ConsumedRecord[], context: HandlerContext) => unknown;

/** What to do when a handler fails, by throwing, rejecting or not returning in time. */
export interface RetryPolicy {
  /** How often a record is tried again after its first attempt. 0: never. */
  readonly maxRetries: number;
  /** Wait before the first retry, ms. Default: 1,000. */
  readonly initialDelayMs?: number | undefined;
  /** Each further wait is this many times as long, 1 or more. Default: 2. */
  readonly backoffFactor?: number | undefined;
  /** Longest wait, ms. Default: 60,000. */
  readonly maxDelayMs?: number | undefined;
  /** Whether a retry can't help: the record becomes a dead letter at once. Default: never. */
  readonly isFinal?: ((error: unknown) => boolean) | undefined;
  /**
   * `ordered`: records with the same key wait until the record is done; other keys go on, up to
   * `maxUncommittedRecords`. This is the default.
   *
   * `non-blocking`: nothing waits. The record comes back as a delayed message in the group's topic
   * `GROUP.retry`, which the run reads too, so that order by key is lost. Needs a Tarpan broker.
   */
  readonly mode?: "ordered" | "non-blocking" | undefined;
}

/** Where the records go whose last attempt has failed. */
export interface DeadLetterOptions {
  /** The topic's name is `prefix`, the record's topic, `suffix`. Default of `suffix`: `.dlq`. */
  readonly suffix?: string | undefined;
  /** Default: none. */
  readonly prefix?: string | undefined;
}

/** Exactly one of `eachRecord` and `eachBatch` is required. */
export interface RunOptions {
  /**
   * Handles one record. Records of a partition with the same key are handled one after another, in
   * the order of their offsets; records without a key in any order. A record is done when the
   * returned promise resolves, or when the function returns anything else.
   */
  readonly eachRecord?: RecordHandler | undefined;
  /**
   * Handles up to 500 records of one partition, in the order of their offsets, one batch after
   * another. If it fails, its records are handled again in batches of one.
   */
  readonly eachBatch?: BatchHandler | undefined;
  /** How many handlers run at once, in all partitions together: 1 to 100. Default: 1. */
  readonly concurrency?: number | undefined;
  /** Default: no retries. */
  readonly retry?: RetryPolicy | undefined;
  /** Default: none: `run` rejects with TARPAN_HANDLER_FAILED, and the record is not committed. */
  readonly deadLetter?: DeadLetterOptions | undefined;
  /**
   * Time after which an attempt has failed, ms. A result that comes later is ignored. Default: the
   * consumer's `maxPollIntervalMs`.
   */
  readonly handlerTimeoutMs?: number | undefined;
  /**
   * How long running handlers may take to finish once their partition was revoked or the run was
   * ended, ms. Records that are not done then are read again. Default: 30,000.
   */
  readonly drainTimeoutMs?: number | undefined;
  /**
   * How far a partition may run ahead of its committed offset, in records: this limits what is
   * handled again after a crash, and how far a partition goes on beside a stuck key. Default:
   * 10,000.
   */
  readonly maxUncommittedRecords?: number | undefined;
  /** Ends the run: running handlers finish, offsets are committed, the consumer is closed. */
  readonly signal?: AbortSignal | undefined;
}

const RETRY: Checks<RetryPolicy> = {
  maxRetries: integer(0, 1_000),
  initialDelayMs: waitMs,
  backoffFactor: (name, value) =>
    typeof value === "number" && value >= 1 && Number.isFinite(value)
      ? null
      : mustBe(name, value, "a number, 1 or more"),
  maxDelayMs: waitMs,
  isFinal: callback,
  mode: oneOf("ordered", "non-blocking"),
};

const DEAD_LETTER: Checks<DeadLetterOptions> = { suffix: anyString, prefix: anyString };

const RUN: Checks<RunOptions> = {
  eachRecord: callback,
  eachBatch: callback,
  concurrency: integer(1, MAX_CONCURRENCY),
  retry: shape({}),
  deadLetter: shape({}),
  handlerTimeoutMs: timeoutMs,
  drainTimeoutMs: waitMs,
  maxUncommittedRecords: integer(1),
  signal: shape({ aborted: flag, addEventListener: callback }),
};

/** The options of a run with their defaults. */
export type RunSettings = ReturnType<typeof runSettings>;

/** Throws TARPAN_BAD_OPTION. */
export function runSettings(
  options: RunOptions,
  consumer: { readonly autoCommit?: boolean; readonly maxPollIntervalMs?: number },
) {
  checkOptions("run", options, RUN);
  if (consumer.autoCommit === false)
    throw new ClientError(
      "TARPAN_BAD_OPTION",
      "run commits by itself: leave out autoCommit: false",
    );
  const { eachRecord, eachBatch, retry, deadLetter } = options;
  if ((eachRecord === undefined) === (eachBatch === undefined))
    throw new ClientError("TARPAN_BAD_OPTION", "run: give one of eachRecord and eachBatch");
  if (retry !== undefined) checkOptions("retry", retry, RETRY, ["maxRetries"]);
  return {
    eachRecord,
    eachBatch,
    concurrency: options.concurrency ?? 1,
    retry: retrySettings(retry ?? { maxRetries: 0 }),
    deadLetterTopic: deadLetter === undefined ? null : deadLetterNames(deadLetter),
    handlerTimeoutMs:
      options.handlerTimeoutMs ?? consumer.maxPollIntervalMs ?? MAX_POLL_INTERVAL_MS,
    drainTimeoutMs: options.drainTimeoutMs ?? DRAIN_TIMEOUT_MS,
    maxUncommittedRecords: options.maxUncommittedRecords ?? MAX_UNCOMMITTED_RECORDS,
    signal: options.signal,
  };
}

function retrySettings(retry: RetryPolicy) {
  return {
    maxRetries: retry.maxRetries,
    initialDelayMs: retry.initialDelayMs ?? RETRY_DELAY_MS,
    backoffFactor: retry.backoffFactor ?? 2,
    maxDelayMs: retry.maxDelayMs ?? RETRY_DELAY_MAX_MS,
    isFinal: retry.isFinal ?? (() => false),
    mode: retry.mode ?? "ordered",
  };
}

/** The wait after the failed attempt of number `attempts`, ms. */
export function retryDelayMs(retry: RunSettings["retry"], attempts: number): number {
  const { initialDelayMs, backoffFactor, maxDelayMs } = retry;
  return Math.min(maxDelayMs, initialDelayMs * backoffFactor ** (attempts - 1));
}

/** Gives the dead-letter topic of a topic. Throws TARPAN_BAD_OPTION if it would be the topic. */
export function deadLetterNames(options: DeadLetterOptions): (topic: string) => string {
  checkOptions("deadLetter", options, DEAD_LETTER);
  const { prefix = "", suffix = ".dlq" } = options;
  if (prefix === "" && suffix === "")
    throw new ClientError("TARPAN_BAD_OPTION", "deadLetter: prefix and suffix can't both be empty");
  return (topic) => `${prefix}${topic}${suffix}`;
}
