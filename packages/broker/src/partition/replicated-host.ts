import type { Timer, Timers } from "../env/env.ts";
import type { LogEngine } from "../log/log-engine.ts";
import {
  SHARED_CLOSE_GRACE_MS,
  SHARED_OFFLINE_TOLD_AFTER_MS,
  SHARED_RETRY_INTERVAL_MS,
} from "./limits.ts";
import type { LogHost } from "./log-host.ts";
import type { Partition } from "./partition.ts";

/** Replicated logs, which every broker of the cluster reaches and one leads at a time. */
export class ReplicatedHost implements LogHost {
  readonly isReplicated = true;
  readonly maintenanceIntervalMs = SHARED_RETRY_INTERVAL_MS;
  /** A delay, because the topic may have been deleted, which the metadata will tell soon. */
  readonly offlineToldAfterMs = SHARED_OFFLINE_TOLD_AFTER_MS;
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
      timer = this.#timers.after(SHARED_CLOSE_GRACE_MS, () => resolve(partition.log.close()));
    });
    await Promise.race([partition.close(), late]);
    timer?.cancel();
  }

  /** Does nothing: the controller deletes replicated logs. */
  deleteLogs(): void {}

  async deleted(): Promise<void> {}
}
