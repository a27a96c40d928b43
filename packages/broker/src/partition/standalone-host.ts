import type { LogId } from "../log/log.ts";
import type { LogEngine } from "../log/log-engine.ts";
import type { Logger } from "../logging/logger.ts";
import { forEachLog } from "./for-each-log.ts";
import { MAINTENANCE_INTERVAL_MS } from "./limits.ts";
import type { LogHost } from "./log-host.ts";
import type { Partition } from "./partition.ts";

/** Logs that only this broker has. */
export class StandaloneHost implements LogHost {
  readonly isReplicated = false;
  readonly maintenanceIntervalMs = MAINTENANCE_INTERVAL_MS;
  readonly offlineToldAfterMs = 0;
  readonly engine: LogEngine;
  readonly #logger: Logger;
  readonly #deletions = new Set<Promise<void>>();

  constructor(engine: LogEngine, logger: Logger) {
    this.engine = engine;
    this.#logger = logger;
  }

  close(partition: Partition): Promise<void> {
    return partition.close();
  }

  deleteLogs(ids: readonly LogId[]): void {
    const deletion = this.#delete(ids).finally(() => this.#deletions.delete(deletion));
    this.#deletions.add(deletion);
  }

  async deleted(): Promise<void> {
    await Promise.all(this.#deletions);
  }

  async #delete(ids: readonly LogId[]): Promise<void> {
    for (const error of await forEachLog(ids, (id) => this.engine.delete(id))) {
      if (error === undefined) continue;
      this.#logger.error("cannot delete a deleted topic's log; the next start sets it aside", {
        error,
      });
    }
  }
}
