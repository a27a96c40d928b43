import { type LogEngine, LogError, type LogId, type LogOptions } from "../log/log.ts";
import type { NewLog, PartitionHost } from "../metadata/partition-host.ts";

/** The logs of a cluster's partitions, as its controller makes and deletes them. */
export class ClusterLogs implements PartitionHost {
  readonly #engine: LogEngine;
  readonly #options: () => LogOptions;

  constructor(engine: LogEngine, options: () => LogOptions) {
    this.#engine = engine;
    this.#options = options;
  }

  async createLogs(logs: readonly NewLog[]): Promise<void> {
    const options = this.#options();
    const made = await Promise.allSettled(
      logs.map(({ id, replicas }) => {
        return this.#engine.replication!.provision(id, { ...options, replicas });
      }),
    );
    for (const outcome of made) if (outcome.status === "rejected") throw outcome.reason;
  }

  /** Goes on when one can't be deleted: an empty log that nobody knows harms nobody. */
  async discardLogs(ids: readonly LogId[]): Promise<void> {
    const gone = await Promise.allSettled(ids.map((id) => this.#engine.delete(id)));
    for (const outcome of gone) {
      if (outcome.status === "rejected" && !(outcome.reason instanceof LogError)) {
        throw outcome.reason;
      }
    }
  }
}
