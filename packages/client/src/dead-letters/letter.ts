import type { TopicPartition } from "../connection/offsets.ts";
import type { ConsumedRecord, HeaderInput, ProducerRecord } from "../record.ts";
import * as names from "../runner/headers.ts";
import { headerText, ownHeaders } from "../runner/headers.ts";

/** A record of a dead-letter topic. What its headers do not say is null. */
export interface DeadLetter extends ConsumedRecord {
  /** Where the record was first, and its own headers are in `headers`. */
  readonly origin: (TopicPartition & { readonly offset: number }) | null;
  readonly group: string | null;
  /** From Tarpan: `retries-exhausted`, `final-error` or `process-ended`. */
  readonly reason: string | null;
  readonly message: string | null;
  readonly stack: string | null;
  /** The member id that gave up. */
  readonly consumer: string | null;
  readonly attempts: number | null;
  /** Ms since the epoch. */
  readonly firstFailureMs: number | null;
  readonly lastFailureMs: number | null;
  /** Whether `redrive` has sent it on. */
  readonly redriven: boolean;
}

export interface DeadLetterFilter {
  /** The topic it came from. */
  readonly originTopic?: string | undefined;
  readonly group?: string | undefined;
  readonly reason?: string | undefined;
  /** Text that the error's message contains. */
  readonly message?: string | undefined;
  readonly key?: string | undefined;
  /** Partition and offset in the dead-letter topic: one letter. */
  readonly partition?: number | undefined;
  readonly offset?: number | undefined;
  /** Last failed at or after this time, and before that one, ms since the epoch. */
  readonly fromMs?: number | undefined;
  readonly untilMs?: number | undefined;
}

/** In the header of a record that says which letter was redriven: its identity. */
const REDRIVEN = "tarpan-redriven";

/** The identity of the letter that this record says was redriven; null if it is a letter. */
export function markedBy(record: ConsumedRecord): string | null {
  return headerText(record.headers, REDRIVEN);
}

/** Says in the letter's partition that it was redriven. */
export function markOf(letter: DeadLetter, to: string): ProducerRecord {
  const { topic, partition } = letter;
  const identity = identityOf(letter);
  const headers = [
    { key: REDRIVEN, value: identity },
    { key: "tarpan-redriven-to", value: to },
  ];
  // With a key, so that a compacted topic takes it.
  return { topic, partition, key: `${REDRIVEN}/${identity}`, value: "", headers };
}

/**
 * The same for two letters of one failure: a consumer that crashes before it commits sends the
 * letter again. The timestamp tells records of a topic that was deleted and created again apart.
 */
export function identityOf({ origin, group, timestamp, partition, offset }: DeadLetter): string {
  if (origin === null) return `letter/${partition}/${offset}`;
  return [group, origin.topic, origin.partition, origin.offset, timestamp].join("/");
}

export function letterOf(record: ConsumedRecord): DeadLetter {
  const text = (name: string) => headerText(record.headers, name);
  const number = (name: string) => {
    const value = Number(text(name) ?? Number.NaN);
    return Number.isFinite(value) ? value : null;
  };
  const topic = text(names.DLQ_TOPIC);
  const [partition, offset] = [number(names.DLQ_PARTITION), number(names.DLQ_OFFSET)];
  const known = topic !== null && partition !== null && offset !== null;
  return {
    ...record,
    headers: ownHeaders(record.headers),
    origin: known ? { topic, partition, offset } : null,
    group: text(names.DLQ_GROUP),
    reason: text(names.REASON),
    message: text(names.DLQ_MESSAGE),
    stack: text(names.STACK),
    consumer: text(names.CONSUMER),
    attempts: number(names.DLQ_DELIVERY_COUNT),
    firstFailureMs: number(names.FIRST_FAILURE),
    lastFailureMs: number(names.LAST_FAILURE),
    redriven: false,
  };
}

export function matches(letter: DeadLetter, filter: DeadLetterFilter): boolean {
  const { originTopic, group, reason, message, key, partition, offset } = filter;
  const { fromMs = Number.NEGATIVE_INFINITY, untilMs = Number.POSITIVE_INFINITY } = filter;
  const failedMs = letter.lastFailureMs ?? letter.timestamp;
  return (
    (originTopic === undefined || letter.origin?.topic === originTopic) &&
    (group === undefined || letter.group === group) &&
    (reason === undefined || letter.reason === reason) &&
    (message === undefined || (letter.message?.includes(message) ?? false)) &&
    (key === undefined || letter.key?.toString() === key) &&
    (partition === undefined || letter.partition === partition) &&
    (offset === undefined || letter.offset === offset) &&
    failedMs >= fromMs &&
    failedMs < untilMs
  );
}

/** The letter's record, for its topic of origin or another; null if the origin is not known. */
export function redrivenRecord(letter: DeadLetter, to: string | undefined): ProducerRecord | null {
  const { origin, key, value } = letter;
  const topic = to ?? origin?.topic;
  if (topic === undefined) return null;
  const headers = letter.headers as readonly HeaderInput[];
  // With the time of now: by its own, retention might delete it before it is read.
  const record = { topic, key, value, headers };
  return to === undefined ? { ...record, partition: origin!.partition } : record;
}
