import type { Env, FileSystem } from "../../env/env.ts";
import type { TailBudget } from "../memory-tail.ts";
import type { DiskSpace } from "./disk-space.ts";
import type { FilePool } from "./file-pool.ts";
import type { IndexCache } from "./index-cache.ts";
import type { RecoveredLogs } from "./recovered-logs.ts";

/** What all logs of one engine share. */
export interface Store {
  readonly env: Pick<Env, "fs" | "clock" | "timers">;
  readonly fs: FileSystem;
  readonly files: FilePool;
  readonly disk: DiskSpace;
  /** A finished write is on the disk (flush: always). */
  readonly durableWrites: boolean;
  /** The last owner closed everything in order: what is seen is on the disk. */
  readonly startsClean: boolean;
  readonly recovered: RecoveredLogs;
  readonly tails: TailBudget;
  readonly indexes: IndexCache;
  /** One line for the operator: damage, and what was done about it. */
  report(line: string): void;
  /** Something was written that `sync` would make durable. */
  written(unsynced: { sync(): Promise<void> }): void;
}
