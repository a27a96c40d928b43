import type { Env, FileSystem } from "../../env/env.ts";
import type { Histogram } from "../../metrics/histogram.ts";
import type { TailBudget } from "../memory-tail.ts";
import type { DelayedRemovals } from "./delayed-removals.ts";
import type { DiskSpace } from "./disk-space.ts";
import type { FilePool } from "./file-pool.ts";
import type { IndexCache } from "./index-cache.ts";
import type { ReadAhead } from "./read-ahead.ts";
import type { RecoveredLogs } from "./recovered-logs.ts";

/** Shared by all logs of one engine. */
export interface Store {
  readonly env: Pick<Env, "fs" | "clock" | "timers" | "random">;
  readonly fs: FileSystem;
  readonly files: FilePool;
  readonly disk: DiskSpace;
  /** See LogEngine. */
  readonly flushes: Histogram;
  /** Whether a write resolves only once it is on the disk (flush: always). */
  readonly durableWrites: boolean;
  /** Whether the last broker shut down cleanly, so that every file is already synced. */
  readonly startsClean: boolean;
  readonly recovered: RecoveredLogs;
  readonly removals: DelayedRemovals;
  readonly tails: TailBudget;
  readonly indexes: IndexCache;
  readonly readAhead: ReadAhead;
  /** Takes one line for the operator: damage, and what was done about it. */
  report(line: string): void;
  /** Takes one about a problem that needs action. */
  alert(line: string): void;
  /** Call it after a write that `sync` would make durable. */
  written(unsynced: { sync(): Promise<void> }): void;
}
