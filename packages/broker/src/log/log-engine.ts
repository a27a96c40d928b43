import type { Histogram } from "../metrics/histogram.ts";
import type { Log, LogId, LogOptions } from "./log.ts";
import type { Replication } from "./replication.ts";

/** Creates, opens and deletes logs. There is one engine per broker. */
export interface LogEngine {
  readonly kind: "memory" | "segment" | "jetstream";
  /** Creates a new, empty log durably. Rejects with LogError `exists` when it exists already. */
  create(id: LogId, options: LogOptions): Promise<Log>;
  /** Opens an existing log. Rejects with LogError `missing`; it never creates a lost log again. */
  open(id: LogId, options: LogOptions): Promise<Log>;
  /** Deletes a log, open or not. A crash in the middle leaves nothing that could be opened. */
  delete(id: LogId): Promise<void>;
  /** All existing logs, open or not. */
  list(): Promise<readonly LogId[]>;
  /** Whether the last shutdown was clean; false after a crash, and for a new engine. */
  readonly cleanlyClosed: boolean;
  /** Why no records can be stored now, in one sentence for the operator; null when they can. */
  readonly problem: string | null;
  /**
   * How long it took to make records durable: a write that is synced or a sync to the disk, or a
   * message to JetStream until it is acknowledged. Null when nothing is made durable.
   */
  readonly flushes: Histogram | null;
  /** Null when the logs are on this broker only. */
  readonly replication: Replication | null;
  /** Renames or marks a log so that it is not opened again, but kept for the operator. */
  setAside(id: LogId): Promise<void>;
  /**
   * Closes every open log and releases locks. With `clean: false` the shutdown does not count as
   * clean: a start that failed must not hide an earlier crash.
   */
  close(options?: { clean?: boolean }): Promise<void>;
}
