import { ClientError } from "../errors.ts";
import { DEAD_LETTER_STACK_LENGTH, DEAD_LETTER_TEXT_LENGTH } from "../limits.ts";
import type { ConsumedRecord, HeaderInput, ProducerRecord } from "../record.ts";
import type { Attempts } from "./attempts.ts";
import * as names from "./headers.ts";

/**
 * Why a record became a dead letter: its retries were used up, a retry could not help, or the
 * process has ended too often while it was handled.
 */
export type DeadLetterReason = "retries-exhausted" | "final-error" | "process-ended";

export interface Failure {
  /** The record as it was first read. */
  readonly record: ConsumedRecord;
  readonly attempts: Attempts;
}

/** The record with its key, value, headers and timestamp, and headers that say what happened. */
export function deadLetter(
  { record, attempts }: Failure,
  reason: DeadLetterReason,
  reader: { readonly groupId: string; readonly memberId: string },
  topic: string,
  partitions: number,
): ProducerRecord {
  const { message, stack } = toldBy(attempts);
  const { key, value, timestamp } = record;
  const added: Readonly<Record<string, string | number>> = {
    [names.DLQ_TOPIC]: record.topic,
    [names.DLQ_PARTITION]: record.partition,
    [names.DLQ_OFFSET]: record.offset,
    [names.DLQ_GROUP]: reader.groupId,
    [names.DLQ_DELIVERY_COUNT]: attempts.count,
    [names.DLQ_MESSAGE]: message,
    [names.REASON]: reason,
    [names.STACK]: stack,
    [names.CONSUMER]: reader.memberId,
    [names.ATTEMPTS]: attempts.count,
    [names.FIRST_FAILURE]: attempts.firstFailureMs,
    [names.LAST_FAILURE]: attempts.lastFailureMs,
  };
  const headers: HeaderInput[] = names.ownHeaders(record.headers);
  for (const [name, text] of Object.entries(added))
    if (text !== "") headers.push({ key: name, value: String(text) });
  // As in Kafka, so that the letters of a partition stay in order.
  const partition = record.partition % partitions;
  const sent = { topic, partition, key, value, headers };
  return timestamp < 0 ? sent : { ...sent, timestamp };
}

/** What the last error says of itself. */
function toldBy({ lastError, count }: Attempts): { message: string; stack: string } {
  if (lastError === null)
    return { message: `the process ended during attempt ${count}`, stack: "" };
  const isError = lastError instanceof Error;
  const message = isError ? lastError.message : safeString(lastError);
  return {
    message: message.slice(0, DEAD_LETTER_TEXT_LENGTH),
    stack: (isError ? (lastError.stack ?? "") : "").slice(0, DEAD_LETTER_STACK_LENGTH),
  };
}

/** A handler may throw anything, also what has no text. */
export function safeString(value: unknown): string {
  try {
    return String(value);
  } catch {
    return `a ${typeof value} without text`;
  }
}

/** With which a run ends if a record fails and there are no dead letters. */
export function handlerFailed({ record, attempts }: Failure): ClientError {
  const { topic, partition, offset } = record;
  return new ClientError(
    "TARPAN_HANDLER_FAILED",
    `${topic}-${partition} offset ${offset}: attempt ${attempts.count} failed, and run has no ` +
      `deadLetter: ${toldBy(attempts).message}`,
    { cause: attempts.lastError },
  );
}
