// Commits how far a run has come, in one OffsetCommit at a time for all partitions that want it.
import type { GroupOffset } from "../admin/group-offsets.ts";
import { backoffMs, sleep } from "../connection/retry.ts";
import { encodeAttempts } from "./attempts.ts";
import type { PartitionLanes } from "./partition-lanes.ts";

/** Resolves to false if the group does not take it now: it is rebalancing, or can't be reached. */
type Commit = (offsets: readonly GroupOffset[]) => Promise<boolean>;

export class CommitRounds {
  readonly #runId: string;
  readonly #commit: Commit;
  /** Called after each commit with every partition that was in it. */
  readonly #committed: (partition: PartitionLanes) => void;
  readonly #failed: (error: Error) => void;
  readonly #wanted = new Map<PartitionLanes, (() => void)[]>();
  #sending = false;

  constructor(
    runId: string,
    commit: Commit,
    committed: (partition: PartitionLanes) => void,
    failed: (error: Error) => void,
  ) {
    this.#runId = runId;
    this.#commit = commit;
    this.#committed = committed;
    this.#failed = failed;
  }

  /** Commits the partition soon. `then` is called after it, unless the partition is given up. */
  want(partition: PartitionLanes, then?: () => void): void {
    let waiting = this.#wanted.get(partition);
    if (waiting === undefined) {
      waiting = [];
      this.#wanted.set(partition, waiting);
    }
    if (then !== undefined) waiting.push(then);
    if (this.#sending) return;
    this.#sending = true;
    // All that one turn wants shares a commit.
    queueMicrotask(() => void this.#send());
  }

  async #send(): Promise<void> {
    for (let failures = 0; this.#wanted.size > 0; ) {
      const round = [...this.#wanted].map(([partition, then]) => ({ partition, then }));
      this.#wanted.clear();
      if (await this.#round(round.filter(isStaying))) failures = 0;
      else {
        for (const { partition, then } of round.filter(isStaying))
          this.#wanted.set(partition, [...then, ...(this.#wanted.get(partition) ?? [])]);
        await sleep(backoffMs(failures++));
      }
    }
    this.#sending = false;
  }

  /** Whether the round is over. */
  async #round(round: readonly Wanted[]): Promise<boolean> {
    if (round.length === 0) return true;
    const floors = round.map(({ partition }) => partition.floor);
    const offsets = round.map(({ partition }) => offsetOf(partition, this.#runId));
    try {
      if (!(await this.#commit(offsets))) return false;
    } catch (error) {
      // Partitions that were given up are committed by whoever took them.
      if (round.some(isStaying)) this.#failed(error as Error);
      return true;
    }
    for (const [index, { partition, then }] of round.entries()) {
      if (partition.leaving) continue;
      partition.committed(floors[index]!, offsets[index]!.offset);
      this.#committed(partition);
      for (const each of then) each();
    }
    return true;
  }
}

interface Wanted {
  readonly partition: PartitionLanes;
  readonly then: readonly (() => void)[];
}

function isStaying({ partition }: Wanted): boolean {
  return !partition.leaving;
}

/** With the id of the run that is at work, so that the run after a crash is careful. */
export function offsetOf(partition: PartitionLanes, runId: string | null): GroupOffset {
  const { topic, partition: number, committable: offset, attempts } = partition;
  const metadata = encodeAttempts(offset, attempts, runId);
  return { topic, partition: number, offset, metadata };
}
