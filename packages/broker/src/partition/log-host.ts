import type { LogId } from "../log/log.ts";
import type { LogEngine } from "../log/log-engine.ts";
import type { Partition } from "./partition.ts";

/** How logs are stored: on this broker only, or replicated so that other brokers reach them. */
export interface LogHost {
  readonly engine: LogEngine;
  /** Whether an append waits for other machines, so that it may outlast its client's time-out. */
  readonly isReplicated: boolean;
  /** How often offline partitions are opened again and idle producers forgotten. */
  readonly maintenanceIntervalMs: number;
  /** How long a log may fail to open before that is logged as an error. */
  readonly offlineToldAfterMs: number;
  close(partition: Partition): Promise<void>;
  /** Deletes the logs of a deleted topic in the background. */
  deleteLogs(ids: readonly LogId[]): void;
  /** Resolves when these deletions have ended. */
  deleted(): Promise<void>;
}
