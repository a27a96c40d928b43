import { delayedRecord } from "../producer/delayed-record.ts";
import type { ConsumedRecord, HeaderInput, ProducerRecord } from "../record.ts";
import type { Failure } from "./dead-letter.ts";
import { headerText, ownHeaders } from "./headers.ts";

/** What a record of a retry topic was first, and what has happened to it since. */
export interface Retried {
  /** As it was first read: topic, partition, offset and timestamp too. */
  readonly record: ConsumedRecord;
  readonly attempts: number;
  /** Ms since the epoch. */
  readonly firstFailureMs: number;
}

const PREFIX = "tarpan-retry-";
const [TOPIC, PARTITION, OFFSET] = [`${PREFIX}topic`, `${PREFIX}partition`, `${PREFIX}offset`];
const [TIMESTAMP, ATTEMPTS] = [`${PREFIX}timestamp`, `${PREFIX}attempts`];
/** A delayed message can't have a null value: this header stands for one. */
const NULL = `${PREFIX}null`;
const FIRST_FAILURE = `${PREFIX}first-failure`;
/** The broker says by these what delayed message the record was. */
const OF_DELIVERY = new Set(["tarpan-id", "tarpan-timestamp"]);

/**
 * The delayed message that brings the record back to its group. Its id is made of the record and
 * the attempt: if the same attempt fails again, after a crash, it replaces the one that waits.
 */
export function retryRecord(
  { record, attempts }: Failure,
  retryTopic: string,
  groupId: string,
  delayMs: number,
): ProducerRecord {
  const { topic, partition, offset, timestamp, key, value } = record;
  const added = {
    [TOPIC]: topic,
    [PARTITION]: partition,
    [OFFSET]: offset,
    [TIMESTAMP]: timestamp,
    [ATTEMPTS]: attempts.count,
    [FIRST_FAILURE]: attempts.firstFailureMs,
  };
  const headers: HeaderInput[] = ownHeaders(record.headers);
  for (const [name, text] of Object.entries(added))
    headers.push({ key: name, value: String(text) });
  const id = `${groupId}/${topic}/${partition}/${offset}/${attempts.count}`;
  const back = { topic: retryTopic, key, value: value ?? "", headers };
  if (value === null) headers.push({ key: NULL, value: null });
  return delayedRecord(back, id, { delayMs: Math.ceil(delayMs) });
}

/** Null for a record that no run has put there. */
export function readRetry(sent: ConsumedRecord): Retried | null {
  const number = (name: string) => Number(headerText(sent.headers, name) ?? Number.NaN);
  const topic = headerText(sent.headers, TOPIC);
  const [partition, offset, attempts] = [PARTITION, OFFSET, ATTEMPTS].map(number);
  if (topic === null || ![partition, offset, attempts].every(Number.isSafeInteger)) return null;
  const isNull = sent.headers.some(({ key }) => key === NULL);
  return {
    record: {
      ...{ topic, partition: partition!, offset: offset!, timestamp: number(TIMESTAMP) || -1 },
      key: sent.key,
      value: isNull ? null : sent.value,
      headers: sent.headers.filter(({ key }) => !key.startsWith(PREFIX) && !OF_DELIVERY.has(key)),
    },
    attempts: attempts!,
    firstFailureMs: number(FIRST_FAILURE) || Date.now(),
  };
}
