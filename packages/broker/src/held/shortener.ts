import { decompress } from "@tarpan/codecs";
import {
  type BatchHeader,
  decodeBatches,
  type RecordInput,
  RecordWalk,
  recordsField,
} from "@tarpan/protocol";
import type { Clock } from "../env/env.ts";
import { MAX_DECOMPRESSED_BATCH_BYTES } from "../partition/limits.ts";
import { HeldHeader } from "./headers.ts";
import type { HeldLog, HeldPartition } from "./held-log.ts";
import { readOrSkip, type StoredRecord } from "./held-records.ts";
import { ASKED_MS } from "./held-state.ts";
import { idHash, wordsWithoutId } from "./id-hash.ts";
import { MOVE_READ_BYTES, SHORTEN_EVERY_MS, SHORTEN_RATIO } from "./limits.ts";
import { headerOf } from "./outgoing.ts";
import type { HeldRules } from "./rules.ts";

interface Parts {
  readonly partition: HeldPartition;
  readonly log: HeldLog;
  readonly rules: Pick<HeldRules, "hash" | "moved">;
  readonly clock: Clock;
  /** For tests: SHORTEN_MIN_OFFSETS. */
  readonly minOffsets: number;
}

/** A pass over the log: what waits in [next, end) is written again. */
interface Pass {
  next: number;
  readonly end: number;
}

/**
 * Keeps a log of held messages short: deletes what is before the first offset that is needed, and
 * when too little of the rest is needed, first writes the messages that wait again at its end.
 *
 * Safe with a crash at any point, and beside clients that cancel and replace: a moved record counts
 * only if its message still waits under the offset it was moved from. What no longer did is named
 * by a `forgotten` record, and only then the log is cut: a later reader does not see the record
 * that ended the message.
 */
export class Shortener {
  readonly #parts: Parts;
  readonly #walk = new RecordWalk();
  #pass: Pass | null = null;
  #nextMs: number;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#nextMs = parts.clock.monotonicMs() + SHORTEN_EVERY_MS;
  }

  /** Whether `step` has something to do. */
  get isDue(): boolean {
    return this.#pass !== null || this.#parts.clock.monotonicMs() >= this.#nextMs;
  }

  /** Whether the log may have to be shortened, though nothing else happens. */
  get isLong(): boolean {
    return this.#heldOffsets() >= this.#parts.minOffsets;
  }

  /** Does a part of it. Nothing may read records of messages meanwhile. Rejects with LogError. */
  async step(): Promise<void> {
    const { log, clock, minOffsets } = this.#parts;
    if (this.#pass !== null) return this.#move(this.#pass);
    this.#nextMs = clock.monotonicMs() + SHORTEN_EVERY_MS;
    // A record that is to be forgotten must not be followed by another one of the same message.
    if (!this.isLong || log.state.toForget.size > 0) return;
    await this.#cut();
    // What is behind a delivery or a transaction that is open stays, so to move it gains nothing.
    const end = log.state.lowestOpen(log.firstOpenOffset);
    const { startOffset } = this.#parts.partition.log;
    if (end - startOffset < SHORTEN_RATIO * log.state.waiting.count + minOffsets) return;
    this.#pass = { next: startOffset, end };
  }

  #heldOffsets(): number {
    return this.#parts.log.position - this.#parts.partition.log.startOffset;
  }

  async #cut(): Promise<void> {
    const { partition, log } = this.#parts;
    if (log.state.toForget.size > 0) return;
    const lowest = log.state.lowestNeeded(log.firstOpenOffset);
    if (lowest > partition.log.startOffset) await partition.deleteBefore(lowest);
  }

  async #move(pass: Pass): Promise<void> {
    const { partition, log } = this.#parts;
    const { batches, damage } = await readOrSkip(
      partition.log,
      pass.next,
      MOVE_READ_BYTES,
      pass.end,
    );
    if (damage !== null) pass.next = damage.to;
    for (const { header, bytes } of decodeBatches(batches)) {
      pass.next = header.lastOffset + 1;
      if (header.isControl || header.recordCount === 0) continue;
      for (const records of this.#neededOf(header, bytes)) await log.appendWhenPossible(records);
    }
    if (pass.next < pass.end) return;
    this.#pass = null;
    await this.#cut();
  }

  /** The messages of a batch that wait, in parts: its records may have been compressed. */
  *#neededOf(header: BatchHeader, bytes: Uint8Array): Generator<readonly RecordInput[]> {
    const plain = recordsField(bytes, header, decompress, MAX_DECOMPRESSED_BATCH_BYTES);
    const walk = this.#walk;
    walk.begin(plain.bytes, plain.start, plain.end, header.recordCount);
    let records: RecordInput[] = [];
    let sizeBytes = 0;
    while (walk.next()) {
      const entry = this.#waitingAt(header.baseOffset + walk.offsetDelta);
      if (entry < 0) continue;
      const createdMs = header.baseTimestamp + walk.timestampDelta;
      records.push(this.#moved({ ...walk.decode(header), createdMs }, entry));
      sizeBytes += walk.end - walk.start;
      if (sizeBytes < MOVE_READ_BYTES) continue;
      yield records;
      records = [];
      sizeBytes = 0;
    }
    if (records.length > 0) yield records;
  }

  /**
   * The entry of the walk's current record; -1 if it is not that of a message that waits, or the
   * message is being asked for: that delivery names its offset.
   */
  #waitingAt(offset: number): number {
    if (this.#walk.keyStart < 0) return -1;
    this.#parts.rules.hash(this.#walk);
    const { waiting } = this.#parts.log.state;
    for (const words of [idHash, wordsWithoutId(offset)]) {
      const entry = waiting.find(words);
      if (entry < 0 || waiting.offsetOf(entry) !== offset) continue;
      return waiting.timeOf(entry) === ASKED_MS ? -1 : entry;
    }
    return -1;
  }

  #moved(record: StoredRecord, entry: number): RecordInput {
    const { rules, clock, log } = this.#parts;
    const { waiting } = log.state;
    const moved = rules.moved(record, waiting.timeOf(entry), waiting.progressOf(entry));
    const from = headerOf(HeldHeader.movedFrom, String(record.offset));
    const headers = [...(moved.headers ?? []), from];
    return { ...moved, headers, timestamp: clock.wallMs() };
  }
}
