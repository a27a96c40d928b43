import type { Timer, Timers } from "../env/env.ts";
import type { LogEngine } from "../log/log-engine.ts";
import {
  REPLICATED_CLOSE_GRACE_MS,
  REPLICATED_OFFLINE_LOG_DELAY_MS,
  REPLICATED_RETRY_INTERVAL_MS,
} from "./limits.ts";
import type { LogHost } from "./log-host.ts";
import type { Partition } from "./partition.ts";

/** Replicated logs, which every broker of the cluster reaches and one leads at a time. */
export class ReplicatedHost implements LogHost {
  readonly isReplicated = true;
  readonly maintenanceIntervalMs = REPLICATED_RETRY_INTERVAL_MS;
  /** A delay, because the topic may have been deleted, which the metadata will tell soon. */
  readonly offlineToldAfterMs = REPLICATED_OFFLINE_LOG_DELAY_MS;
  readonly engine: LogEngine;
  readonly #timers: Timers;

  constructor(engine: LogEngine, timers: Timers) {
    this.engine = engine;
    this.#timers = timers;
  }

  /** Waits for appends in flight, but not forever: they may never be acknowledged. */
  async close(partition: Partition): Promise<void> {
    let timer: Timer | undefined;
    const late = new Promise<void>((resolve) => {
      timer = this.#timers.after(REPLICATED_CLOSE_GRACE_MS, () => resolve(partition.log.close()));
    });
    await Promise.race([partition.close(), late]);
    timer?.cancel();
  }

  /** Does nothing: the controller deletes replicated logs. */
  deleteLogs(): void {}

  async deleted(): Promise<void> {}
}
