import type { RecordWalk } from "@tarpan/protocol";
import type { StoredRecord } from "../held/held-records.ts";
import { hashId } from "../held/id-hash.ts";
import {
  deadLetterOf,
  deliveredRecord,
  type Headers,
  headerOf,
  headersOf,
  movedRecord,
  targetOf,
  textOf,
} from "../held/outgoing.ts";
import type { Effect, HeldRules, MessageName, OutgoingRecord, Wanted } from "../held/rules.ts";
import { delayMsOf } from "./due.ts";
import { DelayedHeader } from "./headers.ts";

const encoder = new TextEncoder();
const DELIVER_AT = encoder.encode(DelayedHeader.deliverAt);
const DELAY = encoder.encode(DelayedHeader.delay);

/** What the records of `__delayed` mean. */
export const delayedRules: HeldRules = {
  needsResolution: false,
  checks: null,
  progress: () => 0,
  groupOf: () => null,

  hash({ bytes, keyStart, keyEnd }: RecordWalk): void {
    hashId(bytes.subarray(keyStart, keyEnd));
  },

  hashName({ id }: MessageName): void {
    hashId(id);
  },

  effect({ isTombstone }: RecordWalk): Effect {
    return isTombstone ? "cancels" : "holds";
  },

  dueMs(walk: RecordWalk, appendedMs: number): number {
    return dueMsOf(walk.header(DELIVER_AT), walk.header(DELAY), appendedMs);
  },

  read(record: StoredRecord): Wanted {
    const given = headersOf(record);
    const delivered = deliveredRecord(record, given, OWN);
    return { ...targetOf(given), dueMs: ownDueMs(given, record), record: delivered };
  },

  moved(record: StoredRecord, timeMs: number): OutgoingRecord {
    const given = headersOf(record);
    // A message that was hurried stays so for a reader who does not find the record that says it.
    const dueMs = Math.min(ownDueMs(given, record), timeMs);
    const at = headerOf(DelayedHeader.deliverAt, String(dueMs));
    return movedRecord(record, given, [at], [DelayedHeader.delay]);
  },

  deadLetter(wanted: Wanted, offset: number, reason: string): Wanted {
    return deadLetterOf(wanted, offset, reason, "delayed");
  },
};

/** Not in what is delivered. */
const OWN: ReadonlySet<string> = new Set(Object.values(DelayedHeader));

function ownDueMs(given: Headers, { timestamp }: StoredRecord): number {
  const at = given.get(DelayedHeader.deliverAt) ?? null;
  return dueMsOf(at, given.get(DelayedHeader.delay) ?? null, timestamp);
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
