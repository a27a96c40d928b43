import type { ReadableLog } from "../log/log.ts";
import { readRecords } from "./held-records.ts";
import { hashId, idHash } from "./id-hash.ts";
import { LISTED_AT_A_TIME } from "./limits.ts";
import type { HeldRules } from "./rules.ts";
import type { TakenMessage, WaitingMessages } from "./waiting-messages.ts";

/** Which messages to list. */
export interface HeldFilter {
  /** Null for messages of any id. */
  readonly id: Uint8Array | null;
  /** The target topic; null for any. */
  readonly topic: string | null;
  /** Due at this time or later, wall clock, ms. */
  readonly fromMs: number;
  /** Due before this time. */
  readonly toMs: number;
  /** At most so many. */
  readonly limit: number;
}

/** A message that waits. */
export interface HeldMessage {
  readonly id: Uint8Array;
  readonly topic: string;
  /** Null: the partition of its key. */
  readonly partition: number | null;
  readonly dueMs: number;
  readonly sizeBytes: number;
}

/** The messages that wait and pass the filter, the next one first. Rejects with LogError. */
export async function listWaiting(
  waiting: WaitingMessages,
  log: Pick<ReadableLog, "read" | "endOffset">,
  rules: Pick<HeldRules, "read">,
  filter: HeldFilter,
): Promise<HeldMessage[]> {
  const candidates = candidatesOf(waiting, filter);
  const listed: HeldMessage[] = [];
  for (let at = 0; at < candidates.length && listed.length < filter.limit; ) {
    // Some may have been delivered since, and their records deleted.
    const some = candidates.slice(at, at + LISTED_AT_A_TIME).filter((one) => waiting.waits(one));
    at += LISTED_AT_A_TIME;
    listed.push(...(await read(some)));
  }
  return listed.slice(0, filter.limit);

  async function read(some: readonly TakenMessage[]): Promise<HeldMessage[]> {
    const offsets = some.map(({ offset }) => offset).sort((a, b) => a - b);
    const found: HeldMessage[] = [];
    for await (const record of readRecords(log, offsets)) {
      const { topic, partition, dueMs } = rules.read(record);
      if (filter.topic !== null && filter.topic !== topic) continue;
      const sizeBytes = record.value?.byteLength ?? 0;
      found.push({ id: record.key!.slice(), topic, partition, dueMs, sizeBytes });
    }
    return found.sort((a, b) => a.dueMs - b.dueMs);
  }
}

function candidatesOf(
  waiting: WaitingMessages,
  { id, fromMs, toMs }: HeldFilter,
): readonly TakenMessage[] {
  if (id !== null) {
    hashId(id);
    const entry = waiting.find(idHash);
    return entry < 0 ? [] : [{ entry, offset: waiting.offsetOf(entry) }];
  }
  const found: TakenMessage[] = [];
  waiting.forEach((entry, offset) => {
    const timeMs = waiting.timeOf(entry);
    if (timeMs >= fromMs && timeMs < toMs) found.push({ entry, offset });
  });
  return found.sort((a, b) => waiting.timeOf(a.entry) - waiting.timeOf(b.entry));
}
