import type { Log, LogId, LogOptions, ReadableLog } from "./log.ts";

/** Options of a replicated log, which every broker of a cluster can reach. */
export interface ReplicatedLogOptions extends LogOptions {
  /** Ids of the brokers that must have a replica. */
  readonly replicas?: readonly number[];
  /**
   * Called right before the log is taken over, because the engine may have waited long for it.
   * False makes the take-over reject with `busy`, so that the current writer is not fenced.
   */
  readonly isStillWanted?: () => boolean;
  /** Saved with the log when it is created, for its followers. */
  readonly label?: string;
}

/**
 * The additional operations of an engine with replicated logs: one broker may create a log, another
 * one lead it, and the others follow it.
 */
export interface Replication {
  /** Creates a new, empty log without opening it. Rejects with LogError `exists`. */
  provision(id: LogId, options: ReplicatedLogOptions): Promise<void>;
  /** Opens a log for writing with `options.leaderEpoch`; see there. */
  lead(id: LogId, options: ReplicatedLogOptions): Promise<LeaderLog>;
  /** Opens a log for reading only. It may lag behind the leader. */
  follow(id: LogId, options: ReplicatedLogOptions): Promise<FollowerLog>;
  /** Starts moving the replicas to these brokers. The data is copied in the background. */
  moveReplicas(id: LogId, replicas: readonly number[]): Promise<void>;
  /** Asks to move the log's Raft leader to the server of `brokerId`, which must have a replica. */
  moveRaftLeader(id: LogId, brokerId: number): Promise<void>;
  /** The actual replicas of all logs; logs without a Raft leader may be missing. */
  states(): Promise<readonly ReplicaStates[]>;
  /**
   * Called when the broker stops. From now on no operation waits for an election; a moment later
   * all of them end, appends in flight with `unknown`. Further calls do nothing.
   */
  stopWaiting(): void;
}

export interface LeaderLog extends Log {
  readonly leaderEpoch: number;
}

/** A log that another broker leads. */
export interface FollowerLog extends ReadableLog {
  /** The label that the log was created with, "" when none. */
  readonly label: string;
  /**
   * Polls for new batches at once. `end` is an offset that the log is known to reach: if a lagging
   * replica does not have it, the Raft leader is asked.
   */
  refresh(end?: number): void;
  /** Somebody reads it, perhaps at its end: it polls for a while, as after a read. */
  used(): void;
}

/** The replicas of one log, by broker id. Servers that belong to no broker are left out. */
export interface ReplicaStates {
  readonly id: LogId;
  /** The broker of the Raft leader; null when there is no leader, or its server has no broker. */
  readonly raftLeader: number | null;
  /** Approximate bytes of each replica. */
  readonly sizeBytes: number;
  readonly replicas: readonly {
    readonly brokerId: number;
    /** Whether it is online and has everything that is committed. */
    readonly current: boolean;
    /** How many Raft entries it lacks. */
    readonly lag: number;
  }[];
}
