import type { Log, LogId, LogOptions } from "./log.ts";
import type { Replication } from "./replication.ts";

/** Where logs are made and found. One engine per broker. */
export interface LogEngine {
  readonly kind: "memory" | "segment" | "jetstream";
  /** Makes a new, empty log, durably. Rejects with LogError `exists` when it is there already. */
  create(id: LogId, options: LogOptions): Promise<Log>;
  /** Opens a log made before. Rejects with LogError `missing`: a lost log is never made anew. */
  open(id: LogId, options: LogOptions): Promise<Log>;
  /** Deletes a log, open or not. A crash in the middle leaves nothing that could be opened. */
  delete(id: LogId): Promise<void>;
  /** Every log there is, also those nobody has opened. */
  list(): Promise<readonly LogId[]>;
  /** Whether the engine was last closed in order; false after a crash and when it is new. */
  readonly cleanlyClosed: boolean;
  /** Why nothing can be stored at the moment, one sentence; null when it can. */
  readonly problem: string | null;
  /** Null where the logs are this broker's alone. */
  readonly replication: Replication | null;
  /** Moves a log to a name under which nobody opens it, for an operator to look at. */
  setAside(id: LogId): Promise<void>;
  /**
   * Closes every open log and lets go of what was locked. Marks the engine clean, unless
   * `clean` is false: who could not finish opening must not hide that the last one had crashed.
   */
  close(options?: { clean?: boolean }): Promise<void>;
}
