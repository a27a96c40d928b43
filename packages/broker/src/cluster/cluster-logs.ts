import type { LogId, LogOptions } from "../log/log.ts";
import type { LogEngine } from "../log/log-engine.ts";
import { LogError } from "../log/log-error.ts";
import type { MetadataImage } from "../metadata/image.ts";
import type { NewLog, PartitionHost } from "../metadata/partition-host.ts";

/**
 * The logs of a cluster's partitions, as its controller makes them.
 *
 * Whoever does this may be deposed and not know it, and its successor may be making the same log.
 * The logs of a new topic carry an id that nobody else has. Those of a topic that grows do not: one
 * that is there already is as good as made, and none is ever deleted, for it may hold records by
 * now.
 */
export class ClusterLogs implements PartitionHost {
  readonly #engine: LogEngine;
  readonly #options: () => LogOptions;
  readonly #image: () => MetadataImage;

  constructor(engine: LogEngine, options: () => LogOptions, image: () => MetadataImage) {
    this.#engine = engine;
    this.#options = options;
    this.#image = image;
  }

  async createLogs(logs: readonly NewLog[]): Promise<void> {
    const made = await Promise.allSettled(logs.map((log) => this.#create(log)));
    for (const outcome of made) if (outcome.status === "rejected") throw outcome.reason;
  }

  /** Goes on when one can't be deleted: an empty log that nobody knows harms nobody. */
  async discardLogs(ids: readonly LogId[]): Promise<void> {
    const own = ids.filter(({ topicId }) => !this.#isKnown(topicId));
    const gone = await Promise.allSettled(own.map((id) => this.#engine.delete(id)));
    for (const outcome of gone) {
      if (outcome.status === "rejected" && !(outcome.reason instanceof LogError)) {
        throw outcome.reason;
      }
    }
  }

  async #create({ id, replicas }: NewLog): Promise<void> {
    try {
      await this.#engine.replication!.provision(id, { ...this.#options(), replicas });
    } catch (error) {
      const isThere = error instanceof LogError && error.kind === "exists";
      if (!isThere || !this.#isKnown(id.topicId)) throw error;
    }
  }

  #isKnown(topicId: string): boolean {
    return this.#image().topicsById.has(topicId);
  }
}
