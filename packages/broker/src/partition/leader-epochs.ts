import { NO_LEADER_EPOCH } from "@tarpan/protocol";

/**
 * Which leader epoch wrote which offsets (KIP-101, KIP-320; Kafka's LeaderEpochFileCache).
 *
 * Invariants:
 * 1. Entries ascend in epoch and in start offset. An epoch ends where the next one starts.
 * 2. The last entry is the partition's current epoch; it is added when the partition is opened.
 */
export class LeaderEpochs {
  readonly #entries: EpochStart[] = [];

  /** Records that `epoch` wrote at `offset`. Later batches of the same epoch change nothing. */
  note(epoch: number, offset: number): void {
    const last = this.#entries.at(-1);
    if (last !== undefined && last.epoch >= epoch) return;
    if (last !== undefined && last.startOffset === offset) this.#entries.pop();
    this.#entries.push({ epoch, startOffset: offset });
  }

  /** The epoch that wrote `offset`, -1 when unknown. */
  epochAt(offset: number): number {
    return this.#entries.findLast((entry) => entry.startOffset <= offset)?.epoch ?? -1;
  }

  /**
   * The largest known epoch at or below `epoch`, and one past its last offset. Both are -1 when
   * `epoch` is newer than all known ones, or is -1 (no epoch). An epoch older than all known ones
   * ends where the first of them starts.
   */
  endOf(epoch: number, logEnd: number): { epoch: number; endOffset: number } {
    if (epoch === NO_LEADER_EPOCH) return UNKNOWN_EPOCH;
    const next = this.#entries.findIndex((entry) => entry.epoch > epoch);
    if (next === 0) return { epoch, endOffset: this.#entries[0]!.startOffset };
    const own = this.#entries.at(next === -1 ? -1 : next - 1);
    if (own === undefined || (next === -1 && own.epoch !== epoch)) return UNKNOWN_EPOCH;
    const endOffset = next === -1 ? logEnd : this.#entries[next]!.startOffset;
    return { epoch: own.epoch, endOffset };
  }

  snapshot(offset: number): EpochStart[] {
    return this.#entries.filter((entry) => entry.startOffset < offset);
  }

  restore(entries: readonly EpochStart[]): void {
    this.#entries.push(...entries);
  }
}

export interface EpochStart {
  readonly epoch: number;
  readonly startOffset: number;
}

const UNKNOWN_EPOCH = { epoch: -1, endOffset: -1 };
