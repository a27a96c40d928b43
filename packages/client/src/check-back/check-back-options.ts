import { type Check, type Checks, callback, integer, mustBe } from "../checks/checks.ts";
import { timeoutMs } from "../checks/values.ts";
import { MAX_CONCURRENCY, MAX_TOPIC_NAME_LENGTH } from "../limits.ts";
import { PRODUCER_OPTIONS, type ProducerOptions } from "../producer/producer-options.ts";
import type { Listener } from "./listener-calls.ts";

export interface CheckBackProducerOptions
  extends Omit<ProducerOptions, "acks" | "idempotent" | "partitioner"> {
  /**
   * The same for all processes that can say what has become of a transaction: the broker asks any
   * of them. Up to 242 letters, digits, `.`, `_` and `-`.
   */
  readonly producerGroup: string;
  /**
   * Runs the local transaction; called once the broker has its records. If it throws, hangs or
   * returns nothing, the outcome is `unknown`.
   */
  readonly executeLocalTransaction: Listener;
  /**
   * Says what has become of a transaction that may have run in another process, long ago, or never.
   * Answer `rollback` only if it can't commit any more: of a transaction that is not known yet,
   * `unknown` is the safe answer.
   */
  readonly checkLocalTransaction: Listener;
  /**
   * Time after which the outcome is `unknown`, ms. An answer that comes later is used if the broker
   * still waits for it. Default: 30,000.
   */
  readonly listenerTimeoutMs?: number | undefined;
  /** How many checks are answered at once, 1 to 100. Default: 10. */
  readonly checkConcurrency?: number | undefined;
}

const producerGroup: Check = (name, value) => {
  const longest = MAX_TOPIC_NAME_LENGTH - ".checks".length;
  if (typeof value === "string" && /^[\w.-]+$/.test(value) && value.length <= longest) return null;
  return mustBe(name, value, `1 to ${longest} letters, digits, dots, underscores and hyphens`);
};

const { acks: _, idempotent: __, partitioner: ___, ...RECORD_OPTIONS } = PRODUCER_OPTIONS;

export const CHECK_BACK_OPTIONS: Checks<CheckBackProducerOptions> = {
  ...RECORD_OPTIONS,
  producerGroup,
  executeLocalTransaction: callback,
  checkLocalTransaction: callback,
  listenerTimeoutMs: timeoutMs,
  checkConcurrency: integer(1, MAX_CONCURRENCY),
};

export const REQUIRED_OPTIONS = [
  "producerGroup",
  "executeLocalTransaction",
  "checkLocalTransaction",
] as const;
