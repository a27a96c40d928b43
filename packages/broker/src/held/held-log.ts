import { crc32c, decompress } from "@tarpan/codecs";
import {
  type BatchHeader,
  decodeBatches,
  encodeBatch,
  ProtocolError,
  RecordFormatError,
  type RecordInput,
  readEndTransaction,
  recordsField,
} from "@tarpan/protocol";
import { MAX_DECOMPRESSED_BATCH_BYTES } from "../partition/limits.ts";
import { isDiskFull } from "../partition/log-failure.ts";
import type { Partition } from "../partition/partition.ts";
import type { NextTurn } from "../util/next-turn.ts";
import type { HeldCounts } from "./counts.ts";
import { readOrSkip } from "./held-records.ts";
import { HeldState } from "./held-state.ts";
import { FOLLOW_READ_BYTES } from "./limits.ts";
import type { RecordRules } from "./rules.ts";
import { type Patience, untilPossible } from "./until-possible.ts";

export type HeldPartition = Pick<
  Partition,
  "log" | "leaderEpoch" | "highWatermark" | "onAdvance" | "deleteBefore"
>;

interface Parts {
  readonly partition: HeldPartition;
  readonly rules: RecordRules;
  /** Of what is applied once the log was loaded. */
  readonly counts: HeldCounts;
  readonly nextTurn: NextTurn;
  readonly patience: Patience;
  /** Called after records were applied. */
  readonly onApplied: () => void;
  /** The log can't be followed further. */
  readonly onFailure: (error: unknown) => void;
  /** Records that can't be read were left out. */
  readonly onUnreadable: (offset: number, error: Error) => void;
}

interface Waiting {
  readonly offset: number;
  resolve(): void;
  reject(error: unknown): void;
}

/** A batch of an open transaction: its first offset, and one past its last. */
interface OpenBatch {
  readonly from: number;
  readonly to: number;
}

/**
 * Follows the log of one partition into a state. Clients and the shard append to the same log; both
 * are read back from it, so that nothing counts before it is durable, and in no other order.
 * Records of a client's transaction count where the marker that commits it stands.
 */
export class HeldLog {
  readonly state: HeldState;
  readonly #parts: Parts;
  /** The next record to be applied. */
  #position: number;
  /** One past the last record whose effects `onApplied` was told of. */
  #toldTo = 0;
  readonly #transactions = new Map<number, OpenBatch[]>();
  #waiting: Waiting[] = [];
  #isFollowing = false;
  #unsubscribe: () => void = () => {};
  #closed: Error | null = null;

  private constructor(parts: Parts) {
    this.#parts = parts;
    const { startOffset } = parts.partition.log;
    this.#position = startOffset;
    this.state = new HeldState(startOffset, parts.rules);
  }

  /** Reads the whole log, then follows it. Rejects with LogError. */
  static async load(parts: Parts): Promise<HeldLog> {
    const held = new HeldLog(parts);
    await held.#readTo(parts.partition.highWatermark);
    held.state.inTime.clear();
    held.state.counts = parts.counts;
    held.state.ignoredOffset = -1;
    held.#unsubscribe = parts.partition.onAdvance(() => void held.#follow());
    void held.#follow();
    return held;
  }

  /** One past the last record that was applied. */
  get position(): number {
    return this.#position;
  }

  /** The first offset of a transaction that is open in the log; `position` when there is none. */
  get firstOpenOffset(): number {
    let first = this.#position;
    for (const [batch] of this.#transactions.values()) first = Math.min(first, batch!.from);
    return first;
  }

  /**
   * Appends one batch. Resolves to its first offset when it is durable and applied, and after
   * `onApplied`. Rejects with LogError.
   */
  async append(records: readonly RecordInput[]): Promise<number> {
    if (this.#closed !== null) throw this.#closed;
    const { log, leaderEpoch } = this.#parts.partition;
    const batch = encodeBatch(records, { crc32c });
    const offset = await log.append(batch, leaderEpoch);
    await this.#applied(offset + records.length);
    return offset;
  }

  /** The same, but waits while the disk is full. */
  appendWhenPossible(records: readonly RecordInput[]): Promise<number> {
    return untilPossible(() => this.append(records), isDiskFull, this.#parts.patience);
  }

  close(why: Error): void {
    this.#closed ??= why;
    this.#unsubscribe();
    for (const { reject } of this.#waiting.splice(0)) reject(this.#closed);
  }

  #applied(offset: number): Promise<void> {
    if (this.#toldTo >= offset) return DONE;
    if (this.#closed !== null) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => this.#waiting.push({ offset, resolve, reject }));
  }

  async #follow(): Promise<void> {
    if (this.#closed !== null || this.#isFollowing) return;
    const { partition, onApplied, onFailure } = this.#parts;
    this.#isFollowing = true;
    try {
      while (this.#closed === null && this.#position < partition.highWatermark) {
        await this.#readTo(partition.highWatermark);
        if (this.#closed !== null) return;
        this.#toldTo = this.#position;
        onApplied();
        this.#wake();
      }
    } catch (error) {
      onFailure(error);
    } finally {
      // In the turn that found nothing more: what is appended after it is not missed.
      this.#isFollowing = false;
    }
  }

  #wake(): void {
    const before = this.#waiting;
    this.#waiting = before.filter(({ offset }) => offset > this.#toldTo);
    for (const { offset, resolve } of before) if (offset <= this.#toldTo) resolve();
  }

  async #readTo(end: number): Promise<void> {
    const { partition, nextTurn, onUnreadable } = this.#parts;
    while (this.#position < end && this.#closed === null) {
      const position = this.#position;
      const read = await readOrSkip(partition.log, position, FOLLOW_READ_BYTES, end);
      const { batches, damage } = read;
      if (damage !== null) {
        onUnreadable(position, damage.error);
        this.#position = damage.to;
      }
      for (const { header, bytes } of decodeBatches(batches)) {
        if (header.isControl) await this.#endTransaction(header, bytes);
        else if (header.isTransactional) this.#hold(header);
        else this.#apply(header, bytes);
        this.#position = header.lastOffset + 1;
      }
      await nextTurn();
    }
  }

  #apply(header: BatchHeader, bytes: Uint8Array): void {
    if (header.recordCount === 0) return;
    try {
      this.state.apply(
        header,
        recordsField(bytes, header, decompress, MAX_DECOMPRESSED_BATCH_BYTES),
      );
    } catch (error) {
      const isBad = error instanceof RecordFormatError || error instanceof ProtocolError;
      if (!isBad) throw error;
      this.#parts.onUnreadable(header.baseOffset, error);
    }
  }

  #hold({ producerId, baseOffset, lastOffset }: BatchHeader): void {
    const batch = { from: baseOffset, to: lastOffset + 1 };
    const batches = this.#transactions.get(producerId);
    if (batches === undefined) this.#transactions.set(producerId, [batch]);
    else batches.push(batch);
  }

  async #endTransaction(marker: BatchHeader, bytes: Uint8Array): Promise<void> {
    const held = this.#transactions.get(marker.producerId) ?? [];
    this.#transactions.delete(marker.producerId);
    if (!readEndTransaction(bytes, 0, marker)?.isCommit) return;
    const { partition, onUnreadable } = this.#parts;
    for (const { from, to } of held) {
      const { batches, damage } = await readOrSkip(partition.log, from, 1, to);
      if (damage !== null) onUnreadable(from, damage.error);
      for (const { header, bytes } of decodeBatches(batches)) {
        if (header.baseOffset >= from && header.baseOffset < to) this.#apply(header, bytes);
      }
    }
  }
}

const DONE = Promise.resolve();
