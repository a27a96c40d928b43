// Compaction of a log that is a stream.
//
// 1. What is kept of the first messages is appended at the end, as copies (compacted-part.ts). An
//    append of another writer ends the run, as it ends every append of this one.
// 2. The copies count once the start of the log, which names their run, is saved, and the messages
//    that they replace are purged only after that. A crash before it leaves copies that nobody
//    reads, and that the purge of a later run takes away; a crash after it leaves messages that
//    nobody reads, and that are purged when the log was opened again.
// 3. If the servers acknowledge before they sync, the start is saved only when the copies are on
//    the disks, and the purge waits until the start is: a power failure must not take more than
//    what was just appended.
// 4. A run copies the copies of the last one again, as Kafka does with compacted segments: so the
//    stream has a compacted beginning in one piece, and is only ever purged from its front.
import type {
  CompactionRequest,
  CompactionResult,
  Compactor,
  Dirt,
} from "../compaction/compactor.ts";
import { COMPACTION_CHUNK_BYTES } from "../limits.ts";
import type { LogOptions } from "../log.ts";
import { LogError } from "../log-error.ts";
import { offlineOf } from "./checkpoints.ts";
import type { CompactedPart } from "./compacted-part.ts";
import { countCompactable } from "./compaction-range.ts";
import { CopyWriter } from "./copy-writer.ts";
import type { LogPosition } from "./grammar.ts";
import { READ_BYTES, RETRY_MAX_MS } from "./limits.ts";
import { batchesOf } from "./message-batches.ts";
import type { Copy } from "./pending-message.ts";
import type { LogStart } from "./start-format.ts";
import type { StoredLog } from "./stored-log.ts";
import { NoAnswer, type StreamApi } from "./stream-api.ts";
import type { Step } from "./walk-step.ts";

export interface JetStreamCompactorParts {
  readonly log: StoredLog;
  readonly api: Pick<StreamApi, "monotonicMs" | "wait">;
  /** See JetStreamEngineOptions. */
  readonly syncedAfterMs: number;
  readonly options: () => Pick<LogOptions, "segmentBytes" | "segmentMs">;
  /** Set once the log can't be used any more. */
  readonly refusal: () => LogError | null;
  readonly newRun: () => string;
  /** Most bytes of one message. */
  readonly maxBytes: () => number;
  readonly append: (copy: Copy) => Promise<number>;
  /** Saves the start, unless another broker has moved it further. */
  readonly moveStart: (start: LogStart) => Promise<void>;
  /** Purges the messages before the start. */
  readonly purge: () => Promise<void>;
}

/** What a run works on. */
interface Range {
  /** The start of the log when the run began. */
  readonly start: LogStart;
  readonly startOffset: number;
  /** Messages from this sequence on are left alone. */
  readonly endSequence: number;
  /** The same for messages with this offset, or later ones. */
  readonly upTo: number;
}

interface Chunk {
  readonly bytes: Uint8Array;
  readonly baseOffset: number;
  /** The positions after its messages. */
  readonly ends: readonly LogPosition[];
}

const NOTHING: CompactionResult = {
  ...{ readBytes: 0, writtenBytes: 0, freedBytes: 0, keys: 0, cleanedTo: 0 },
  isPartial: false,
};

interface Totals {
  readBytes: number;
  beforeBytes: number;
}

export class JetStreamCompactor implements Compactor {
  readonly #parts: JetStreamCompactorParts;
  /** What the start names is on the disks from then on, monotonic ms. */
  #syncedAtMs = 0;
  #run: string | null = null;
  #purgedRun: string | null = null;

  constructor(parts: JetStreamCompactorParts) {
    this.#parts = parts;
  }

  /** Whether the start, and the copies that it names, are certainly on the disks. */
  get mayPurge(): boolean {
    const { log, api, syncedAfterMs } = this.#parts;
    const run = log.start.compacted?.run ?? null;
    if (run !== this.#run) this.#syncedAtMs = api.monotonicMs() + syncedAfterMs;
    this.#run = run;
    return run === null || api.monotonicMs() >= this.#syncedAtMs;
  }

  async measure(minLagMs: number, nowMs: number): Promise<Dirt | null> {
    if (this.#parts.refusal() !== null) return null;
    await asLogError(() => this.#purgeLeftOver());
    const { log } = this.#parts;
    const dirty = log.index.blocks.slice(0, this.#compactable(minLagMs, nowMs));
    if (dirty.length === 0) return null;
    const oldestMs = dirty[0]!.maxTimestamp;
    return {
      cleanBytes: log.start.compacted?.index.sizeBytes ?? 0,
      dirtyBytes: dirty.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      oldestMs: oldestMs < 0 ? null : oldestMs,
    };
  }

  compact(request: CompactionRequest): Promise<CompactionResult> {
    return asLogError(async () => {
      try {
        return await this.#compact(request);
      } catch (error) {
        const isFenced = error instanceof LogError && error.kind === "fenced";
        throw isFenced ? this.#ended("another broker leads it") : error;
      }
    });
  }

  async #compact(request: CompactionRequest): Promise<CompactionResult> {
    const range = this.#rangeOf(request);
    if (range === null) return NOTHING;
    const { work, loadFactor, seed, nowMs, deleteRetentionMs, producers, aborted } = request;
    const { log, newRun, maxBytes, append } = this.#parts;
    const totals: Totals = { readBytes: 0, beforeBytes: 0 };
    const firstDirtyOffset = Math.max(range.startOffset, range.start.position.nextOffset);
    // There are no more keys than offsets.
    const wanted = Math.ceil((log.endOffset - firstDirtyOffset) / loadFactor) + 1;
    const slots = Math.min(request.slots, wanted);
    const settings = { loadFactor, seed, nowMs, deleteRetentionMs, producers, aborted };
    await work.begin({ slots, firstDirtyOffset, ...settings });
    try {
      const { position, keys, isPartial } = await this.#note(range, request, totals);
      // The last message is kept, even if the start of the log is behind it.
      if (position === range.start.position) return NOTHING;
      const segments = [...log.segments()];
      const writer = new CopyWriter({ run: newRun(), segments, maxBytes: maxBytes(), append });
      const compacted = await this.#copy(range, position, writer, request, totals);
      await this.#untilSynced(request);
      await this.#replace({ startOffset: range.startOffset, position, compacted });
      const { writtenBytes } = writer;
      const { readBytes, beforeBytes } = totals;
      const freedBytes = beforeBytes - writtenBytes;
      const { nextOffset: cleanedTo } = position;
      return { readBytes, writtenBytes, freedBytes, keys, cleanedTo, isPartial };
    } finally {
      await work.end();
    }
  }

  #compactable(minLagMs: number, nowMs: number): number {
    const { log, options } = this.#parts;
    return countCompactable(log.index.blocks, options(), minLagMs, nowMs);
  }

  #rangeOf({ minLagMs, nowMs, upTo }: CompactionRequest): Range | null {
    const { log } = this.#parts;
    const count = this.#compactable(minLagMs, nowMs);
    if (count === 0) return null;
    const { start, startOffset } = log;
    const endSequence = log.index.blocks[count]?.firstSequence ?? log.end.sequence + 1;
    return { start, startOffset, endSequence, upTo };
  }

  /** Notes the keys of the messages that were not compacted yet, as many as there is room for. */
  async #note(range: Range, request: CompactionRequest, totals: Totals) {
    let position = range.start.position;
    let keys = 0;
    for await (const { bytes, baseOffset, ends } of this.#dirtyChunks(range, request, totals)) {
      const noted = await request.work.note(bytes, baseOffset);
      keys = noted.keys;
      const end = ends.findLast(({ nextOffset }) => nextOffset <= noted.nextOffset);
      position = end ?? position;
      if (!noted.isFull) continue;
      if (position === range.start.position) throw noRoomForKeys(keys, noted.nextOffset);
      return { position, keys, isPartial: true };
    }
    return { position, keys, isPartial: false };
  }

  async #copy(
    range: Range,
    { sequence, nextOffset }: LogPosition,
    writer: CopyWriter,
    request: CompactionRequest,
    totals: Totals,
  ): Promise<CompactedPart> {
    const noted = { ...range, endSequence: sequence + 1 };
    const before = totals.readBytes;
    for await (const chunk of this.#allChunks(noted, request, totals)) {
      const { bytes } = await request.work.filter(chunk.bytes, chunk.baseOffset);
      await writer.write(bytes);
      await request.throttle(bytes.byteLength);
    }
    await writer.write(await request.work.finishFile());
    totals.beforeBytes = totals.readBytes - before;
    this.#refuseWhenEnded(request);
    const compacted = await writer.finish();
    if (compacted.endOffset === nextOffset) return compacted;
    const what = `the copies end at offset ${compacted.endOffset} instead of ${nextOffset}`;
    throw new LogError("corrupt", `log ${this.#parts.log.name}: ${what}`);
  }

  /** Lets the copies take the place of the messages that they were made of. */
  async #replace(start: LogStart): Promise<void> {
    const { log, moveStart } = this.#parts;
    await moveStart(start);
    const { compacted, startOffset } = log.start;
    const isReplaced = compacted?.run === start.compacted!.run;
    if (!isReplaced && startOffset < start.compacted!.endOffset)
      throw this.#ended("another broker has moved its start");
    await this.#purgeLeftOver();
  }

  /** Purges what was copied, also by a run that was interrupted after it had saved the start. */
  async #purgeLeftOver(): Promise<void> {
    const run = this.#parts.log.start.compacted?.run ?? null;
    if (run === this.#purgedRun || !this.mayPurge) return;
    await this.#parts.purge();
    this.#purgedRun = run;
  }

  async #untilSynced(request: CompactionRequest): Promise<void> {
    const { api, syncedAfterMs } = this.#parts;
    const untilMs = api.monotonicMs() + syncedAfterMs;
    while (api.monotonicMs() < untilMs) {
      this.#refuseWhenEnded(request);
      await api.wait(RETRY_MAX_MS);
    }
  }

  async *#allChunks(range: Range, request: CompactionRequest, totals: Totals) {
    const { compacted } = range.start;
    if (compacted !== null) {
      const { index, endSequence } = compacted;
      const block = index.blocks[Math.max(0, index.find(range.startOffset))]!;
      const steps = this.#parts.log.walk(index.positionBefore(block), READ_BYTES, compacted);
      const ofCopies = { ...range, endSequence: endSequence + 1, upTo: Number.POSITIVE_INFINITY };
      yield* this.#chunksOf(steps, ofCopies, request, totals);
    }
    yield* this.#dirtyChunks(range, request, totals);
  }

  #dirtyChunks(range: Range, request: CompactionRequest, totals: Totals) {
    const steps = this.#parts.log.walk(range.start.position);
    return this.#chunksOf(steps, range, request, totals);
  }

  /** Whole batches at or after the log's start. Damage is noticed by whoever works on them. */
  async *#chunksOf(
    steps: AsyncIterable<Step>,
    range: Range,
    request: CompactionRequest,
    totals: Totals,
  ): AsyncGenerator<Chunk> {
    let pieces: Uint8Array[] = [];
    let ends: LogPosition[] = [];
    let sizeBytes = 0;
    let baseOffset = -1;
    let reached = 0;
    for await (const { message, meaning, after, lostBefore } of steps) {
      this.#refuseWhenEnded(request);
      if (lostBefore !== null) await this.#refuseGone(range, lostBefore);
      const isBehind = meaning.kind === "batches" && meaning.nextOffset > range.upTo;
      reached = isBehind ? range.endSequence : message.sequence;
      if (reached >= range.endSequence) break;
      if (meaning.kind !== "batches" || meaning.nextOffset <= range.startOffset) continue;
      const piece = batchesFrom(message.payload, meaning, range.startOffset);
      if (pieces.length === 0) baseOffset = Math.max(meaning.baseOffset, piece.baseOffset);
      pieces.push(piece.bytes);
      ends.push(after);
      sizeBytes += piece.bytes.byteLength;
      if (sizeBytes < COMPACTION_CHUNK_BYTES) continue;
      totals.readBytes += sizeBytes;
      yield { bytes: joined(pieces, sizeBytes), baseOffset, ends };
      await request.throttle(sizeBytes);
      [pieces, ends, sizeBytes] = [[], [], 0];
    }
    if (reached < range.endSequence - 1) await this.#refuseGone(range, Number.POSITIVE_INFINITY);
    if (sizeBytes === 0) return;
    totals.readBytes += sizeBytes;
    yield { bytes: joined(pieces, sizeBytes), baseOffset, ends };
    await request.throttle(sizeBytes);
  }

  /** Messages that the run needs are missing. */
  async #refuseGone(range: Range, lostBefore: number): Promise<void> {
    const { log } = this.#parts;
    await log.startAfterGap();
    if (log.start !== range.start) throw this.#ended("its start has moved");
    if (lostBefore <= range.startOffset) return;
    throw new LogError("corrupt", `log ${log.name}: messages before offset ${lostBefore} are gone`);
  }

  #refuseWhenEnded({ isWanted }: CompactionRequest): void {
    const refusal = this.#parts.refusal();
    if (refusal !== null) throw refusal;
    if (!isWanted()) throw this.#ended("it is no longer wanted");
  }

  #ended(why: string): LogError {
    return new LogError("closed", `log ${this.#parts.log.name}: compaction was ended: ${why}`);
  }
}

/** The batches of a message from the one that holds `offset`. */
function batchesFrom(
  payload: Uint8Array,
  range: { baseOffset: number; nextOffset: number },
  offset: number,
) {
  const { baseOffset } = range;
  if (baseOffset >= offset) return { bytes: payload, baseOffset };
  const first = batchesOf(payload, range).find(({ nextOffset }) => nextOffset > offset)!;
  const at = first.bytes.byteOffset - payload.byteOffset;
  return { bytes: payload.subarray(at), baseOffset: first.baseOffset };
}

/** A copy, because the work keeps what it gets, and readers may have the batches. */
function joined(pieces: readonly Uint8Array[], sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.byteLength;
  }
  return bytes;
}

function noRoomForKeys(keys: number, offset: number): LogError {
  const what = `the ${keys} keys of the messages up to offset ${offset} need more memory than`;
  return new LogError("busy", `${what} log.cleaner.dedupe.buffer.size allows: raise it`);
}

/** A missing answer of the servers becomes a LogError. */
async function asLogError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof NoAnswer) throw new LogError("offline", error.message, { cause: error });
    throw offlineOf(error);
  }
}
