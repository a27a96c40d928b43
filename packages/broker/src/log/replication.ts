import type { Log, LogId, LogOptions, ReadableLog } from "./log.ts";

/** Of a log that every broker of a cluster reaches. */
export interface ReplicatedLogOptions extends LogOptions {
  /** Brokers that shall hold a replica, by Kafka's id. */
  readonly replicas?: readonly number[];
  /**
   * Asked right before a shared log is taken over, for which its engine may have waited long: where
   * it is not wanted any more it is refused as `busy`, and whoever writes it by now goes on.
   */
  readonly isStillWanted?: () => boolean;
  /** Kept beside a shared log from its making on, for whoever follows it. */
  readonly label?: string;
}

/**
 * What an engine adds whose logs are replicated and reached by every broker of a cluster: who makes
 * a log need not be who writes it, and whoever does not lead may follow.
 */
export interface Replication {
  /** Makes a new, empty log without opening it. Rejects with LogError `exists`. */
  provision(id: LogId, options: ReplicatedLogOptions): Promise<void>;
  /** Opens a log to be written under `options.leaderEpoch`; see there. */
  lead(id: LogId, options: ReplicatedLogOptions): Promise<LeaderLog>;
  /** Opens a log to be read only, as far as the replica that answers has it. */
  follow(id: LogId, options: ReplicatedLogOptions): Promise<FollowerLog>;
  /** Has these brokers hold the log; resolves when that is begun. Data moves in the background. */
  moveReplicas(id: LogId, replicas: readonly number[]): Promise<void>;
  /** Asks for the log's Raft leader to be beside `brokerId`, which must hold a replica. */
  moveRaftLeader(id: LogId, brokerId: number): Promise<void>;
  /** Where every log's replicas are, as the engine really has them; partial while it elects. */
  states(): Promise<readonly ReplicaStates[]>;
  /**
   * The broker stops: nobody waits for an election any more, and nobody at all a moment later. What
   * is answered until then still counts; an append that is not is `unknown`. Twice is once.
   */
  stopWaiting(): void;
}

export interface LeaderLog extends Log {
  readonly leaderEpoch: number;
}

/** A log that another broker writes. */
export interface FollowerLog extends ReadableLog {
  /** As it was given when the log was made, "" when it was not. */
  readonly label: string;
  /**
   * Looks for new batches now rather than at the next poll. `end`: an offset that it is known to
   * reach, so that a replica which lags is not believed.
   */
  refresh(end?: number): void;
}

/** One log's replicas. Brokers by Kafka's id; a server that is no broker's is left out. */
export interface ReplicaStates {
  readonly id: LogId;
  /** The broker beside the Raft leader; null while there is none or it is no broker's. */
  readonly raftLeader: number | null;
  /** Bytes that each replica takes, more or less. */
  readonly sizeBytes: number;
  readonly replicas: readonly {
    readonly brokerId: number;
    /** It has everything that is committed, and lives. */
    readonly current: boolean;
    /** Raft entries it lacks. */
    readonly lag: number;
  }[];
}
