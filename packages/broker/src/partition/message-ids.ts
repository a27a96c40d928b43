import { decompress } from "@tarpan/codecs";
import { type BatchHeader, recordsField } from "@tarpan/protocol";
import type { Clock } from "../env/env.ts";
import { BatchIds, storedIdsOf } from "./batch-ids.ts";
import { MAX_DECOMPRESSED_BATCH_BYTES } from "./limits.ts";
import { HASH_WORDS, MessageIdTable } from "./message-id-table.ts";

/** `tarpan.dedupe.*` of a topic that has it on. */
export interface DedupeRules {
  readonly ttlMs: number;
  readonly maxIds: number;
}

/**
 * The message ids of a partition's recent records, so that a copy of a record is not stored.
 *
 * Invariants:
 * 1. Ids are added when their records are appended, before these are durable; `forget` removes
 *    those of an append that failed.
 * 2. Within a process ids age by the monotonic clock, so a jump of the wall clock forgets none.
 *    Between two processes they age by the wall clock, which can make them younger than they are
 *    but never younger than new.
 * 3. There are at most `maxIds`; the oldest is forgotten first.
 */
export class MessageIds {
  readonly #clock: Clock;
  #rules: DedupeRules;
  #table = new MessageIdTable();

  constructor(clock: Clock, rules: DedupeRules) {
    this.#clock = clock;
    this.#rules = rules;
  }

  configure(rules: DedupeRules): void {
    this.#rules = rules;
    this.forgetOld();
  }

  /** Ids in memory, with those that failed appends left until they are the oldest. */
  get count(): number {
    return this.#table.next - this.#table.oldest;
  }

  /** Bytes of memory. */
  get sizeBytes(): number {
    return this.#table.sizeBytes;
  }

  /** Adds the ids that are new, for records from `baseOffset` on, and finds the copies. */
  take(ids: BatchIds, baseOffset: number): TakenIds {
    this.forgetOld();
    const from = this.#table.next;
    const copies = new Map<number, number>();
    const nowMs = this.#clock.monotonicMs();
    for (const [n, index] of ids.indexes.entries()) {
      const known = this.#table.find(ids.words, n * HASH_WORDS);
      if (known >= 0) copies.set(index, this.#table.offsetAt(known));
      else this.#add(ids.words, n * HASH_WORDS, baseOffset + index, nowMs);
    }
    return { copies, from, to: this.#table.next };
  }

  /** The original offsets of the records whose ids are known, by index. Changes nothing. */
  find(ids: BatchIds): Map<number, number> {
    const copies = new Map<number, number>();
    for (const [n, index] of ids.indexes.entries()) {
      const known = this.#table.find(ids.words, n * HASH_WORDS);
      if (known >= 0) copies.set(index, this.#table.offsetAt(known));
    }
    return copies;
  }

  /** Removes the ids of an append that failed. */
  forget({ from, to }: TakenIds): void {
    for (let position = from; position < to; position++) this.#table.remove(position);
  }

  forgetAll(): void {
    this.#table = new MessageIdTable();
  }

  forgetOld(): void {
    const before = this.#clock.monotonicMs() - this.#rules.ttlMs;
    const { maxIds } = this.#rules;
    while (this.count > 0) {
      if (this.count <= maxIds && this.#table.timeAt(this.#table.oldest) > before) return;
      this.#table.dropOldest();
    }
  }

  /** Adds the ids of a batch that is in the log, durable. */
  replay(batch: Uint8Array, header: BatchHeader): void {
    const nowMs = this.#clock.monotonicMs();
    const ageMs = appendAgeMs(header, this.#clock.wallMs());
    if (ageMs >= this.#rules.ttlMs) return;
    const ids = idsIn(batch, header);
    for (const [n, offsetDelta] of ids.indexes.entries()) {
      // A record that was stored again when its id had expired, or while deduplication was off.
      this.#table.remove(this.#table.find(ids.words, n * HASH_WORDS));
      this.#add(ids.words, n * HASH_WORDS, header.baseOffset + offsetDelta, nowMs - ageMs);
    }
  }

  /** The ids of records below `offset`, for a checkpoint. Ids may come and go meanwhile. */
  *snapshot(offset: number): Generator<MessageIdSnapshot> {
    const table = this.#table;
    const end = table.next;
    const behindWallMs = this.#clock.wallMs() - this.#clock.monotonicMs();
    for (let position = table.oldest; position < end; position++) {
      const own = table.offsetAt(position);
      if (own < 0 || own >= offset) continue;
      const words = Array.from({ length: HASH_WORDS }, (_, i) => table.wordAt(position, i));
      yield { words, offset: own, appendedMs: table.timeAt(position) + behindWallMs };
    }
  }

  restore(entries: Iterable<MessageIdSnapshot>): void {
    const nowMs = this.#clock.monotonicMs();
    const wallMs = this.#clock.wallMs();
    for (const { words, offset, appendedMs } of entries) {
      const ageMs = Math.max(0, wallMs - appendedMs);
      if (ageMs < this.#rules.ttlMs) this.#add(words, 0, offset, nowMs - ageMs);
    }
  }

  #add(words: ArrayLike<number>, at: number, offset: number, timeMs: number): void {
    if (this.count >= this.#rules.maxIds) this.#table.dropOldest();
    this.#table.add(words, at, offset, timeMs);
  }
}

/** What became of the ids of a batch. */
export interface TakenIds {
  /** The offsets of the originals, by the index of the copy in its batch. */
  readonly copies: ReadonlyMap<number, number>;
  /** Positions of the new ids in the table. */
  readonly from: number;
  readonly to: number;
}

export interface MessageIdSnapshot {
  /** HASH_WORDS of them. */
  readonly words: ArrayLike<number>;
  readonly offset: number;
  /** Wall clock, ms since the epoch. */
  readonly appendedMs: number;
}

/** None when the batch can't be decompressed, by consumers neither. */
function idsIn(batch: Uint8Array, header: BatchHeader): BatchIds {
  try {
    const records = recordsField(batch, header, decompress, MAX_DECOMPRESSED_BATCH_BYTES);
    return storedIdsOf(records, header.recordCount);
  } catch (error) {
    if (error instanceof Error && "code" in error) return new BatchIds();
    throw error;
  }
}

/**
 * How long ago a batch of the log was appended, at least. With LogAppendTime it says so itself. The
 * timestamps of CreateTime are the producer's, and may be much older: taking them would forget ids
 * before their time.
 */
function appendAgeMs({ timestampType, maxTimestamp }: BatchHeader, wallMs: number): number {
  return timestampType === "LogAppendTime" ? Math.max(0, wallMs - maxTimestamp) : 0;
}
