import type { LogId } from "../log/log.ts";
import type { LogEngine } from "../log/log-engine.ts";
import type { Partition } from "./partition.ts";

/** How the logs that this broker leads are kept: by it alone, or where others reach them too. */
export interface LogHost {
  readonly engine: LogEngine;
  /** Whether an append may have to wait for other machines, longer than its client does. */
  readonly isReplicated: boolean;
  /** How often offline partitions are tried again and silent producers forgotten. */
  readonly maintenanceIntervalMs: number;
  /** How long a log may fail to open before that is logged as an error. */
  readonly offlineToldAfterMs: number;
  close(partition: Partition): Promise<void>;
  /** A topic was deleted, and its partitions here have ended. */
  deleteLogs(ids: readonly LogId[]): void;
  /** Resolves when no log is being deleted. */
  deleted(): Promise<void>;
}
