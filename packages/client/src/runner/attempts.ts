// The attempts that a crash must not forget, in the metadata of the group's committed offset.
//
// The metadata is `tarpan-run:1`, then `open:` and the run's id while it is at work, then an item
// for each record that has failed: the distance of its offset from the committed one, its failed
// attempts and the time of the first, in base 36; `!` if it ran with others when this was written.
// If it is still open when another run gets the partition, its last owner did not give it up in
// order: a record may have ended that process.
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
const OPEN = "open:";
/** Kafka's default of offset.metadata.max.bytes. */
const MAX_LENGTH = 4_096;

export function newAttempts(nowMs: number): Attempts {
  const times = { firstFailureMs: nowMs, lastFailureMs: nowMs };
  return { count: 0, ...times, lastError: null, suspect: false };
}

export function encodeAttempts(
  committed: number,
  attempts: ReadonlyMap<ConsumedRecord["offset"], Attempts>,
  openBy: string | null,
): string {
  if (openBy === null && attempts.size === 0) return "";
  let text = openBy === null ? FORMAT : `${FORMAT} ${OPEN}${openBy}`;
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
): { openBy: string | null; attempts: Map<number, Attempts> } {
  const attempts = new Map<number, Attempts>();
  const [format, ...items] = metadata.split(" ");
  if (format !== FORMAT) return { openBy: null, attempts };
  for (const item of items) {
    const found = /^(\w+)\.(\w+)\.(\w+)(!?)$/.exec(item);
    if (found === null) continue;
    const [distance, count, firstFailureMs] = found.slice(1, 4).map((n) => Number.parseInt(n, 36));
    const suspect = found[4] === "!";
    const known = { ...newAttempts(firstFailureMs!), count: count!, suspect };
    attempts.set(committed + distance!, known);
  }
  const openBy = items[0]?.startsWith(OPEN) ? items[0].slice(OPEN.length) : null;
  return { openBy, attempts };
}
