// Moves the start of a log. The new start is saved in the checkpoint stream before any message is
// purged. It only moves forward, even if a former leader tries to move it at the same time.
import { LogError } from "../log-error.ts";
import { type LogOpener, loadStart } from "./open-log.ts";
import { encodeStart, isLaterStart, type LogStart, laterStart } from "./start-format.ts";
import type { StoredLog } from "./stored-log.ts";

interface Place {
  readonly position: LogStart["position"];
  /** How much of the index's block lies before it. */
  readonly cut: { messages: number; sizeBytes: number } | null;
}

/**
 * Makes `offset`, which is not past the end, the start of the log, unless the start is later.
 */
export async function saveStart(opener: LogOpener, log: StoredLog, offset: number): Promise<void> {
  await log.refreshStart();
  if (offset <= log.startOffset) return;
  if (log.copiesOf(offset) !== null) {
    // Copies are not purged: the next run of compaction leaves out what is before the start.
    await moveStart(opener, log, { ...log.start, startOffset: offset }, null);
    return;
  }
  const { position, cut } = await locate(log, offset);
  await moveStart(opener, log, { startOffset: offset, position, compacted: null }, cut);
}

/** Moves the start to `wanted`, or to where it is then if another broker has moved it further. */
export async function moveStart(
  opener: LogOpener,
  log: StoredLog,
  wanted: LogStart,
  cut: Place["cut"],
): Promise<void> {
  const { checkpoints } = opener;
  let later = wanted;
  await saveNewer({
    load: () => loadStart(opener, log.id),
    isNewer: ({ start }) => {
      later = start === null ? wanted : laterStart(start, wanted);
      return start !== null && !isLaterStart(later, start);
    },
    save: (sequence) => checkpoints.save("s", log.id, encodeStart(later), sequence),
  });
  if (!isLaterStart(later, log.start)) return;
  log.moveStart(later, later.position === wanted.position ? cut : null);
}

/** Saves by compare-and-set unless a newer value is saved; retries if another broker was faster. */
export async function saveNewer<T extends { sequence: number }>(saving: {
  load(): Promise<T>;
  isNewer(there: T): boolean;
  save(sequence: number): Promise<number>;
}): Promise<void> {
  for (;;) {
    const there = await saving.load();
    if (saving.isNewer(there)) return;
    try {
      await saving.save(there.sequence);
      return;
    } catch (error) {
      if (!(error instanceof LogError && error.kind === "fenced")) throw error;
    }
  }
}

/**
 * The position before the message that holds `offset`, or before the last message, which must be
 * kept because it tells where the log ends.
 */
async function locate(log: StoredLog, offset: number): Promise<Place> {
  const last = log.end.sequence;
  const { blocks } = log.index;
  const block = blocks[Math.max(0, log.index.find(Math.min(offset, log.endOffset - 1)))];
  const cut = { messages: 0, sizeBytes: 0 };
  if (!block) return { position: { ...log.end.position, sequence: last - 1 }, cut };
  for await (const { message, meaning, before } of log.walk(log.index.positionBefore(block))) {
    const isWanted = meaning.kind === "batches" && meaning.nextOffset > offset;
    if (isWanted || message.sequence >= last) return { position: before, cut };
    if (meaning.kind !== "batches") continue;
    cut.messages += 1;
    cut.sizeBytes += message.payload.length;
  }
  throw new LogError("offline", `log ${log.name}: no message with offset ${offset} was found`);
}
