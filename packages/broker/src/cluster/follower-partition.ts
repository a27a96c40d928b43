import { LogError } from "../log/log-error.ts";
import type { FollowerLog } from "../log/replication.ts";
import type { PartitionImage } from "../metadata/image.ts";
import type { AbortedTransaction } from "../partition/aborted-transactions.ts";
import { PartitionState } from "../partition/partition-state.ts";
import type { ReadablePartition, Wake } from "../partition/readable-partition.ts";
import type { NextTurn } from "../util/next-turn.ts";

/** A partition that another broker leads, as consumers read it here. */
export class FollowerPartition implements ReadablePartition {
  readonly log: FollowerLog;
  readonly traffic = { bytesOut: 0 };
  leaderEpoch: PartitionImage["leaderEpoch"] = -1;
  usedAtMs: number;
  readonly #nextTurn: NextTurn;
  readonly #waiters = new Set<Wake>();
  /** Its transactions, as far as batches were replayed. */
  #state: PartitionState | null = null;
  #replaying: Promise<boolean> | null = null;

  constructor(log: FollowerLog, nowMs: number, nextTurn: NextTurn) {
    this.log = log;
    this.usedAtMs = nowMs;
    this.#nextTurn = nextTurn;
  }

  /**
   * Replays the batches that came since the last time. Resolves to false if they can't be read now.
   */
  catchUp(): Promise<boolean> {
    if (this.#stateEnd >= this.log.endOffset) return CAUGHT_UP;
    this.#replaying ??= this.#replay().finally(() => {
      this.#replaying = null;
    });
    return this.#replaying;
  }

  async #replay(): Promise<boolean> {
    const { log } = this;
    try {
      // Batches that were not replayed are deleted: what they said is in the leader's checkpoint.
      if (this.#stateEnd < log.startOffset) this.#state = null;
      if (this.#state !== null) await this.#state.replay(log);
      else this.#state = await this.#loaded();
      this.#state.producers.forgetAborted(log.startOffset);
      return true;
    } catch (error) {
      if (error instanceof LogError) return false;
      throw error;
    }
  }

  async #loaded(): Promise<PartitionState> {
    const state = new PartitionState(this.#nextTurn, null);
    await state.load(this.log);
    return state;
  }

  get #stateEnd(): number {
    return this.#state?.replayedTo ?? -1;
  }

  get highWatermark(): number {
    return this.log.endOffset;
  }

  get lastStableOffset(): number {
    const { startOffset } = this.log;
    return this.#state?.producers.lastStableOffset(startOffset, this.#stateEnd) ?? startOffset;
  }

  abortedIn(records: readonly Uint8Array[], offset: number): readonly AbortedTransaction[] {
    return this.#state?.abortedIn(records, offset) ?? [];
  }

  /** A follower shows committed records only, so it never has to tell a consumer to truncate. */
  endOfEpoch(epoch: number): { epoch: number; endOffset: number } {
    return { epoch, endOffset: Number.MAX_SAFE_INTEGER };
  }

  /** When the first fetch begins to wait, the log checks for new batches at once. */
  onAdvance(wake: Wake): () => void {
    this.#waiters.add(wake);
    if (this.#waiters.size === 1) this.#listen(true);
    return () => {
      this.#waiters.delete(wake);
      if (this.#waiters.size === 0) this.#listen(false);
    };
  }

  #listen(wanted: boolean): void {
    const onAdvance: Wake = (sizeBytes) => {
      for (const wake of this.#waiters) wake(sizeBytes);
    };
    this.log.configure({ onAdvance: wanted ? onAdvance : undefined });
    if (wanted) this.log.refresh();
  }
}

const CAUGHT_UP = Promise.resolve(true);
