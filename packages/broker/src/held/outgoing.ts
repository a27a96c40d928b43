import { topicNameProblem } from "../metadata/topic-names.ts";
import { DeliveredHeader, HeldHeader } from "./headers.ts";
import type { StoredRecord } from "./held-records.ts";
import type { OutgoingRecord, Wanted } from "./rules.ts";

export type Headers = ReadonlyMap<string, Uint8Array | null>;

/** By name; of those with the same name, the last one. */
export function headersOf({ headers }: StoredRecord): Headers {
  return new Map(headers.map((header) => [header.key, header.value]));
}

/** A header that is missing or has no value is the empty text. */
export function textOf(value: Uint8Array | null | undefined): string {
  return Buffer.from(value ?? NOTHING).toString("utf8");
}

export function headerOf(key: string, text: string): { key: string; value: Uint8Array } {
  return { key, value: Buffer.from(text) };
}

/** Where the target's partition, topic and key are said. */
export function targetOf(given: Headers): Pick<Wanted, "topic" | "partition"> {
  const partition = textOf(given.get(HeldHeader.partition));
  return {
    topic: textOf(given.get(HeldHeader.topic)),
    partition: partition === "" ? null : Number(partition),
  };
}

/** What the target gets: everything but the headers in `own`, which are for the broker. */
export function deliveredRecord(
  record: StoredRecord,
  given: Headers,
  own: ReadonlySet<string>,
): OutgoingRecord {
  const { key, value, headers } = record;
  const kept = headers.filter((header) => !own.has(header.key) && !ALWAYS_OWN.has(header.key));
  return {
    key: given.has(HeldHeader.key) ? given.get(HeldHeader.key)! : key,
    value,
    headers: [...kept, { key: DeliveredHeader.id, value: key }, createdHeader(record, given)],
  };
}

/** When the client created the message: a moved record says so in a header. */
export function createdHeader(record: StoredRecord, given: Headers) {
  return headerOf(DeliveredHeader.timestamp, String(createdMsOf(record, given)));
}

export function createdMsOf({ createdMs }: StoredRecord, given: Headers): number {
  // A client's may be there, but without a value.
  const isMoved = (given.get(HeldHeader.movedFrom) ?? null) !== null;
  return isMoved ? Number(textOf(given.get(DeliveredHeader.timestamp))) : createdMs;
}

/** As a moved record, with these headers in place of earlier ones of the same names. */
export function movedRecord(
  record: StoredRecord,
  given: Headers,
  added: readonly { readonly key: string; readonly value: Uint8Array }[],
  removed: readonly string[] = [],
): OutgoingRecord {
  const { key, value, headers } = record;
  const all = [...added, createdHeader(record, given)];
  const replaced = new Set([...all.map((one) => one.key), ...removed, HeldHeader.movedFrom]);
  return { key, value, headers: [...headers.filter((one) => !replaced.has(one.key)), ...all] };
}

/** As a dead letter. `fallback`: its topic if no topic can have the name of the target's. */
export function deadLetterOf(
  wanted: Wanted,
  offset: number,
  reason: string,
  fallback: string,
): Wanted {
  const { topic, partition, record } = wanted;
  const named = `${topic}${DEAD_LETTER_SUFFIX}`;
  const headers = [
    ...(record.headers ?? []),
    headerOf("__dlq.errors.topic", topic),
    headerOf("__dlq.errors.partition", String(partition ?? -1)),
    headerOf("__dlq.errors.offset", String(offset)),
    headerOf("__dlq.errors.message", reason),
  ];
  return {
    topic: topicNameProblem(named) === null ? named : `${fallback}${DEAD_LETTER_SUFFIX}`,
    partition: null,
    dueMs: wanted.dueMs,
    record: { ...record, headers },
  };
}

/** What a topic of dead letters has at the end of its name. */
const DEAD_LETTER_SUFFIX = ".dlq";

const ALWAYS_OWN: ReadonlySet<string> = new Set([
  ...Object.values(HeldHeader),
  ...Object.values(DeliveredHeader),
]);

const NOTHING = new Uint8Array(0);
