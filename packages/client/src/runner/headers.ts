import type { ConsumedRecord } from "../record.ts";

/** Headers of a dead letter with Kafka's names (KIP-1191). */
export const DLQ_TOPIC = "__dlq.errors.topic";
export const DLQ_PARTITION = "__dlq.errors.partition";
export const DLQ_OFFSET = "__dlq.errors.offset";
export const DLQ_GROUP = "__dlq.errors.group";
export const DLQ_DELIVERY_COUNT = "__dlq.errors.delivery.count";
export const DLQ_MESSAGE = "__dlq.errors.message";

/** Why it is a dead letter: a DeadLetterReason. */
export const REASON = "tarpan-reason";
export const STACK = "tarpan-stack";
/** The member id that gave up. */
export const CONSUMER = "tarpan-consumer";
export const ATTEMPTS = "tarpan-attempts";
/** Ms since the epoch. */
export const FIRST_FAILURE = "tarpan-first-failure";
export const LAST_FAILURE = "tarpan-last-failure";

const OURS: ReadonlySet<string> = new Set([
  ...[DLQ_TOPIC, DLQ_PARTITION, DLQ_OFFSET, DLQ_GROUP, DLQ_DELIVERY_COUNT, DLQ_MESSAGE],
  ...[REASON, STACK, CONSUMER, ATTEMPTS, FIRST_FAILURE, LAST_FAILURE],
]);

type Headers = ConsumedRecord["headers"];

/** The record's own headers, without those of an earlier failure. */
export function ownHeaders(headers: Headers): Headers[number][] {
  return headers.filter(({ key }) => !OURS.has(key));
}

/** The last header of this name, as text. */
export function headerText(headers: Headers, name: string): string | null {
  return headers.findLast(({ key }) => key === name)?.value?.toString() ?? null;
}
