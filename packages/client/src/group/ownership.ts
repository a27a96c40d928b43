import { ErrorCode } from "@tarpan/protocol";
import type { GroupOffset } from "../admin/group-offsets.ts";
import type { Client } from "../connection/client.ts";
import type { CoordinatorLink } from "../connection/coordinator-link.ts";
import { partitionKey, type TopicPartition } from "../connection/offsets.ts";
import type { Consumer } from "../consumer/consumer.ts";
import { KafkaResponseError } from "../errors.ts";
import { AUTO_COMMIT_INTERVAL_MS, CLOSE_TIMEOUT_MS, SESSION_TIMEOUT_MS } from "../limits.ts";
import type { Run } from "../runner/run.ts";
import { AutoCommit } from "./auto-commit.ts";
import type { GroupConsumerOptions } from "./group-consumer-options.ts";
import type { Membership } from "./membership.ts";
import { OffsetCommitter } from "./offset-committer.ts";
import type { Progress } from "./progress.ts";
import { startPositions } from "./start-positions.ts";

interface Parts {
  readonly client: Client;
  readonly link: CoordinatorLink;
  readonly membership: Membership;
  readonly consumer: Consumer;
  readonly progress: Progress;
  readonly options: GroupConsumerOptions;
}

/** Takes and gives up partitions as the group demands, and commits their offsets. */
export class Ownership {
  readonly #parts: Parts;
  readonly #committer: OffsetCommitter;
  readonly #autoCommit: AutoCommit | null;
  /** It handles the records, and says what to commit. */
  run: Run | null = null;
  closing = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { link, membership, progress, options } = parts;
    this.#committer = new OffsetCommitter(link, membership);
    const intervalMs = options.autoCommitIntervalMs ?? AUTO_COMMIT_INTERVAL_MS;
    const commit = () => this.commit(progress.uncommitted(), 0);
    const manual = options.autoCommit === false;
    this.#autoCommit = manual ? null : new AutoCommit(intervalMs, membership, commit);
  }

  /** Does what the group demands: drop, accept, join. The next call retries what has failed. */
  async attend(): Promise<void> {
    const { membership, consumer } = this.#parts;
    if (membership.lost) await this.#drop();
    if (membership.failure !== null) throw membership.failure;
    if (membership.offered !== null) await this.#accept(membership.offered);
    if (membership.joinDue) {
      const owned = consumer.assignment;
      if (!membership.cooperative) await this.#revoke(owned);
      membership.join(owned);
    }
    if (membership.trouble?.patience.remainingMs === 0) throw membership.trouble.error;
    if (this.run === null) this.#autoCommit?.attend();
  }

  releaseAll(): Promise<void> {
    const { membership, consumer } = this.#parts;
    return membership.lost ? this.#drop() : this.#revoke(consumer.assignment);
  }

  async commit(
    offsets: readonly GroupOffset[],
    patienceMs: number,
    givenUp = false,
  ): Promise<void> {
    if (offsets.length === 0) return;
    // A JoinGroup in flight blocks the connection; the commit then has the new generation.
    const { link, membership } = this.#parts;
    if (!this.closing) await membership.joining;
    // It may have lost the partitions and be in the group again: the commit could go back then.
    if (membership.lost)
      throw new KafkaResponseError(ErrorCode.UNKNOWN_MEMBER_ID, `a commit of group ${link.key}`);
    await this.#committer.commit(offsets, patienceMs, givenUp);
    this.#parts.progress.committed(offsets);
  }

  /** Takes a new assignment. */
  async #accept(offered: readonly TopicPartition[]): Promise<void> {
    const { client, link, membership, consumer, progress, options } = this.#parts;
    const wanted = new Set(offered.map(partitionKey));
    const owned = new Set(consumer.assignment.map(partitionKey));
    const gone = consumer.assignment.filter((at) => !wanted.has(partitionKey(at)));
    if (gone.length > 0) {
      membership.revoking();
      await this.#revoke(gone);
    }
    const added = offered.filter((at) => !owned.has(partitionKey(at)));
    const { autoOffsetReset: reset = "latest", isolationLevel } = options;
    const starts = await startPositions(link, membership, client, added, reset, isolationLevel);
    if (membership.offered !== offered) return;
    await consumer.add(starts);
    for (const { committed, ...at } of starts) progress.start(at, at.offset, committed);
    this.run?.assigned(starts);
    membership.accepted(offered);
    if (added.length > 0) await options.onAssigned?.(added);
  }

  async #revoke(partitions: readonly TopicPartition[]): Promise<void> {
    if (partitions.length === 0) return;
    const { progress, options } = this.#parts;
    try {
      if (this.#autoCommit !== null) {
        const offsets =
          this.run === null ? progress.uncommitted(partitions) : await this.run.release(partitions);
        const sessionTimeoutMs = options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS;
        const patienceMs = this.closing ? CLOSE_TIMEOUT_MS : sessionTimeoutMs;
        // If the commit fails, those records are read again: delivery is at least once.
        await this.commit(offsets, patienceMs, true).catch(() => {});
      }
      await options.onRevoked?.(partitions);
    } finally {
      this.#forget(partitions);
    }
  }

  async #drop(): Promise<void> {
    const { membership, consumer, options } = this.#parts;
    membership.lost = false;
    const partitions = consumer.assignment;
    this.run?.abandon(partitions);
    this.#forget(partitions);
    const { onLost, onRevoked } = options;
    if (partitions.length > 0) await (onLost ?? onRevoked)?.(partitions);
  }

  #forget(partitions: readonly TopicPartition[]): void {
    this.#parts.consumer.remove(partitions);
    this.#parts.progress.remove(partitions);
  }
}
