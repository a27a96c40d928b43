// The attempts that a crash must not forget, in the metadata of the group's committed offset.
//
// The metadata is `tarpan-run:1`, then `open` while a run is at work, then an item for each record
// that has failed: the distance of its offset from the committed one, its failed attempts and the
// time of the first, in base 36; `!` if it ran with others when this was written. A partition whose
// metadata is still `open` when another run gets it was not given up in order: its last owner may
// have ended because of a record.
import type { ConsumedRecord } from "../record.ts";

export interface Attempts {
  /** Those that have failed, and one that runs alone. */
  count: number;
  /** Ms since the epoch, of the first failure. */
  firstFailureMs: number;
  lastFailureMs: number;
  /** Null if the process has ended during the last attempt. */
  lastError: unknown;
  /** It ran together with others when the process ended: it has to run alone. */
  suspect: boolean;
}

const FORMAT = "tarpan-run:1";
/** Below Kafka's default of offset.metadata.max.bytes, 4,096. */
const MAX_LENGTH = 4_000;

export function newAttempts(nowMs: number): Attempts {
  const times = { firstFailureMs: nowMs, lastFailureMs: nowMs };
  return { count: 0, ...times, lastError: null, suspect: false };
}

export function encodeAttempts(
  committed: number,
  attempts: ReadonlyMap<ConsumedRecord["offset"], Attempts>,
  open: boolean,
): string {
  if (!open && attempts.size === 0) return "";
  let text = open ? `${FORMAT} open` : FORMAT;
  for (const [offset, { count, firstFailureMs, suspect }] of attempts) {
    const numbers = [offset - committed, count, firstFailureMs].map((n) => n.toString(36));
    const item = ` ${numbers.join(".")}${suspect ? "!" : ""}`;
    if (text.length + item.length > MAX_LENGTH) break;
    text += item;
  }
  return text;
}

/** Metadata of another format counts as empty. */
export function decodeAttempts(
  committed: number,
  metadata: string,
): { open: boolean; attempts: Map<number, Attempts> } {
  const attempts = new Map<number, Attempts>();
  const [format, ...items] = metadata.split(" ");
  if (format !== FORMAT) return { open: false, attempts };
  for (const item of items) {
    const found = /^(\w+)\.(\w+)\.(\w+)(!?)$/.exec(item);
    if (found === null) continue;
    const [distance, count, firstFailureMs] = found.slice(1, 4).map((n) => Number.parseInt(n, 36));
    const suspect = found[4] === "!";
    const known = { ...newAttempts(firstFailureMs!), count: count!, suspect };
    attempts.set(committed + distance!, known);
  }
  return { open: items[0] === "open", attempts };
}
