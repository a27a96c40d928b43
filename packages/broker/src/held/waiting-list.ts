import type { ReadableLog } from "../log/log.ts";
import type { NextTurn } from "../util/next-turn.ts";
import { type Candidate, earliestOf } from "./earliest.ts";
import { readRecords } from "./held-records.ts";
import { hashId, idHash } from "./id-hash.ts";
import { LIST_PAGE, LISTED_AT_A_TIME } from "./limits.ts";
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
  nextTurn: NextTurn,
): Promise<HeldMessage[]> {
  // By id: one that was listed may have another time or offset when the next page is found.
  const listed = new Map<string, HeldMessage>();
  for await (const page of pagesOf(waiting, filter, nextTurn)) {
    for (const message of (await readPage(page)).sort((a, b) => a.dueMs - b.dueMs)) {
      listed.set(Buffer.from(message.id).toString("latin1"), message);
    }
    if (listed.size >= filter.limit) break;
  }
  return [...listed.values()].slice(0, filter.limit);

  /** In the order of the log, so that each of its batches is read once. */
  async function readPage(page: readonly TakenMessage[]): Promise<HeldMessage[]> {
    const found: HeldMessage[] = [];
    const byOffset = page.toSorted((a, b) => a.offset - b.offset);
    for (let at = 0; at < byOffset.length; at += LISTED_AT_A_TIME) {
      if (at > 0) await nextTurn();
      // Some may have been delivered since, and their records deleted.
      const some = byOffset.slice(at, at + LISTED_AT_A_TIME).filter((one) => waiting.waits(one));
      const offsets = some.map(({ offset }) => offset);
      for await (const record of readRecords(log, offsets)) {
        const { topic, partition, dueMs } = rules.read(record);
        if (filter.topic !== null && filter.topic !== topic) continue;
        const sizeBytes = record.value?.byteLength ?? 0;
        found.push({ id: record.key!.slice(), topic, partition, dueMs, sizeBytes });
      }
    }
    return found;
  }
}

/** The messages among which those of the filter are, without regard to its topic. */
async function* pagesOf(
  waiting: WaitingMessages,
  { id, fromMs, toMs, limit }: HeldFilter,
  nextTurn: NextTurn,
): AsyncGenerator<readonly TakenMessage[], void, undefined> {
  if (id !== null) {
    hashId(id);
    const entry = waiting.find(idHash);
    if (entry >= 0) yield [{ entry, offset: waiting.offsetOf(entry) }];
    return;
  }
  let after: Candidate | null = null;
  // With one topic among many, few of a page may be for it: later pages are larger.
  for (let pageSize = limit; pageSize > 0; pageSize = LIST_PAGE) {
    const wanted = { fromMs, toMs, after, limit: pageSize };
    const page: readonly Candidate[] = await earliestOf(waiting, wanted, nextTurn);
    yield page;
    if (page.length < pageSize) return;
    after = page.at(-1)!;
  }
}
