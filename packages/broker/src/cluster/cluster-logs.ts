import type { LogId, LogOptions } from "../log/log.ts";
import type { LogEngine } from "../log/log-engine.ts";
import { LogError } from "../log/log-error.ts";
import type { MetadataImage } from "../metadata/image.ts";
import type { NewLog, PartitionHost } from "../metadata/partition-host.ts";

/**
 * Creates the logs of a cluster's partitions for its controller.
 *
 * A controller may be deposed without knowing it, while its successor creates the same log. For a
 * new topic that can't happen: its logs carry a new topic id. For new partitions of an existing
 * topic, a log that exists already is accepted, and none is deleted, because it may hold records.
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

  /** A log that can't be deleted is left: it is empty and belongs to no topic. */
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
