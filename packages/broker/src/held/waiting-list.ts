import type { ReadableLog } from "../log/log.ts";
import type { NextTurn } from "../util/next-turn.ts";
import { type Candidate, earliestOf } from "./earliest.ts";
import { readRecords } from "./held-records.ts";
import { idHash } from "./id-hash.ts";
import { LIST_PAGE, LISTED_AT_A_TIME } from "./limits.ts";
import { createdMsOf, headersOf } from "./outgoing.ts";
import { isResolved } from "./progress.ts";
import type { HeldRules } from "./rules.ts";
import type { TakenMessage, WaitingMessages } from "./waiting-messages.ts";

/** Which messages to list. */
export interface HeldFilter {
  /** Null for messages of any id. */
  readonly id: Uint8Array | null;
  /** The producer group; null for any. */
  readonly group: string | null;
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
  /** When it is due, or looked at next. */
  readonly dueMs: number;
  readonly sizeBytes: number;
  /** Null for a kind that has none. */
  readonly group: string | null;
  /** See progress.ts. */
  readonly progress: number;
  /** When its producer created it. */
  readonly createdMs: number;
}

/** The messages that wait and pass the filter, the next one first. Rejects with LogError. */
export async function listWaiting(
  waiting: WaitingMessages,
  log: Pick<ReadableLog, "read" | "endOffset">,
  rules: Pick<HeldRules, "read" | "groupOf" | "hashName" | "needsResolution">,
  filter: HeldFilter,
  nextTurn: NextTurn,
): Promise<HeldMessage[]> {
  // By name: one that was listed may have another time or offset when the next page is found.
  const listed = new Map<string, HeldMessage>();
  for await (const page of pagesOf(waiting, rules, filter, nextTurn)) {
    for (const message of (await readPage(page)).sort((a, b) => a.dueMs - b.dueMs)) {
      listed.set(nameOf(message), message);
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
      const times = some.map(({ entry }) => waiting.timeOf(entry));
      const offsets = some.map(({ offset }) => offset);
      let next = 0;
      for await (const record of readRecords(log, offsets)) {
        const nowDueMs = times[next]!;
        const { progress } = some[next++]!;
        const { topic, partition, dueMs } = rules.read(record);
        const message = {
          ...{ id: record.key!.slice(), topic, partition, dueMs: dueMs ?? nowDueMs, progress },
          sizeBytes: record.value?.byteLength ?? 0,
          group: rules.groupOf(record),
          createdMs: createdMsOf(record, headersOf(record)),
        };
        if (passes(message, filter)) found.push(message);
      }
    }
    return found;
  }
}

function passes({ id, topic, group }: HeldMessage, filter: HeldFilter): boolean {
  if (filter.topic !== null && filter.topic !== topic) return false;
  if (filter.group !== null && filter.group !== group) return false;
  return filter.id === null || Buffer.compare(filter.id, id) === 0;
}

/** An id that was freed may be that of another message, too. */
function nameOf({ id, group, progress }: HeldMessage): string {
  const isFree = isResolved(progress);
  return JSON.stringify([group, isFree, Buffer.from(id).toString("latin1")]);
}

/** The messages among which those of the filter are, without regard to its topic. */
async function* pagesOf(
  waiting: WaitingMessages,
  { hashName, needsResolution }: Pick<HeldRules, "hashName" | "needsResolution">,
  { id, fromMs, toMs, limit }: HeldFilter,
  nextTurn: NextTurn,
): AsyncGenerator<readonly TakenMessage[], void, undefined> {
  // One that is resolved is not found by its id.
  if (id !== null && !needsResolution) {
    hashName({ id, group: null });
    const entry = waiting.find(idHash);
    if (entry >= 0) yield [waiting.at(entry)];
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
