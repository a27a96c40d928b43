import type { DecodedRecord, RecordWalk } from "@tarpan/protocol";
import type { StoredRecord } from "../held/held-records.ts";
import { MOVED_FROM_HEADER } from "../held/held-state.ts";
import type { HeldRules, OutgoingRecord, Wanted } from "../held/rules.ts";
import { topicNameProblem } from "../metadata/topic-names.ts";
import { delayMsOf } from "./due.ts";
import { DelayedHeader, DeliveredHeader } from "./headers.ts";

const encoder = new TextEncoder();
const DELIVER_AT = encoder.encode(DelayedHeader.deliverAt);
const DELAY = encoder.encode(DelayedHeader.delay);

/** What the records of `__delayed` mean. */
export const delayedRules: HeldRules = {
  dueMs(walk: RecordWalk, appendedMs: number): number {
    return dueMsOf(walk.header(DELIVER_AT), walk.header(DELAY), appendedMs);
  },

  read({ key, value, headers, timestamp, createdMs }: StoredRecord): Wanted {
    const wanted = new Map(headers.map((header) => [header.key, header.value]));
    const partition = textOf(wanted.get(DelayedHeader.partition));
    const dueMs = dueMsOf(
      wanted.get(DelayedHeader.deliverAt) ?? null,
      wanted.get(DelayedHeader.delay) ?? null,
      timestamp,
    );
    return {
      topic: textOf(wanted.get(DelayedHeader.topic)),
      partition: partition === "" ? null : Number(partition),
      dueMs,
      record: {
        key: wanted.has(DelayedHeader.key) ? wanted.get(DelayedHeader.key)! : key,
        value,
        headers: [
          ...headers.filter((header) => !OWN.has(header.key)),
          { key: DeliveredHeader.id, value: key },
          { key: DeliveredHeader.timestamp, value: encoder.encode(createdText(wanted, createdMs)) },
        ],
      },
    };
  },

  moved(
    { key, value, headers, timestamp, createdMs }: StoredRecord,
    timeMs: number,
  ): OutgoingRecord {
    const given = new Map(headers.map((header) => [header.key, header.value]));
    const at = given.get(DelayedHeader.deliverAt) ?? null;
    const ownMs = dueMsOf(at, given.get(DelayedHeader.delay) ?? null, timestamp);
    // A message that was hurried stays so for a reader who does not find the record that says it.
    const dueMs = Math.min(ownMs, timeMs);
    const kept = headers.filter(({ key: name }) => !REPLACED.has(name));
    const added = [
      { key: DelayedHeader.deliverAt, value: encoder.encode(String(dueMs)) },
      { key: DeliveredHeader.timestamp, value: encoder.encode(createdText(given, createdMs)) },
    ];
    return { key, value, headers: [...kept, ...added] };
  },

  deadLetter(wanted: Wanted, offset: number, reason: string): Wanted {
    const { topic, partition, record } = wanted;
    const named = `${topic}${DEAD_LETTER_SUFFIX}`;
    const place = { topic, partition: String(partition ?? -1), offset: String(offset) };
    const headers = [
      ...(record.headers ?? []),
      { key: "__dlq.errors.topic", value: encoder.encode(place.topic) },
      { key: "__dlq.errors.partition", value: encoder.encode(place.partition) },
      { key: "__dlq.errors.offset", value: encoder.encode(place.offset) },
      { key: "__dlq.errors.message", value: encoder.encode(reason) },
    ];
    return {
      topic: topicNameProblem(named) === null ? named : `delayed${DEAD_LETTER_SUFFIX}`,
      partition: null,
      dueMs: wanted.dueMs,
      record: { ...record, headers },
    };
  },
};

/** What a topic of dead letters has at the end of its name. */
const DEAD_LETTER_SUFFIX = ".dlq";

/** Not in what is delivered. */
const OWN: ReadonlySet<string> = new Set([
  ...Object.values(DelayedHeader),
  ...Object.values(DeliveredHeader),
  MOVED_FROM_HEADER,
]);

/** A moved message has others of these. */
const REPLACED: ReadonlySet<string> = new Set([
  ...[DelayedHeader.deliverAt, DelayedHeader.delay],
  ...[DeliveredHeader.timestamp, MOVED_FROM_HEADER],
]);

/** When the client created the message: a moved record says so in a header. */
function createdText(headers: ReadonlyMap<string, Uint8Array | null>, createdMs: number): string {
  const isMoved = headers.has(MOVED_FROM_HEADER);
  return isMoved ? textOf(headers.get(DeliveredHeader.timestamp)) : String(createdMs);
}

/** Headers that produce would refuse count as a message that is due at once. */
function dueMsOf(at: Uint8Array | null, delay: Uint8Array | null, appendedMs: number): number {
  if (at !== null) return decimalOf(at);
  if (delay === null) return appendedMs;
  const delayMs = delayMsOf(textOf(delay));
  return appendedMs + (typeof delayMs === "number" ? delayMs : 0);
}

/** Without a string, because each record of the log is read when it is loaded. */
function decimalOf(digits: Uint8Array): number {
  let value = 0;
  for (let i = 0; i < digits.byteLength; i++) {
    const digit = digits[i]! - ZERO;
    if (digit < 0 || digit > 9) return 0;
    value = 10 * value + digit;
  }
  return value;
}

const ZERO = 0x30;

function textOf(value: DecodedRecord["value"] | undefined): string {
  return Buffer.from(value ?? NOTHING).toString("utf8");
}

const NOTHING = new Uint8Array(0);
