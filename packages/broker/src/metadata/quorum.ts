/** Who keeps the cluster's metadata. */
export interface Quorum {
  /** -1 while there is none. */
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly highWatermark: number;
  readonly voters: readonly QuorumReplica[];
  readonly observers: readonly QuorumReplica[];
}

export interface QuorumReplica {
  readonly id: number;
  readonly logEndOffset: number;
  /** Wall clock, ms since the epoch; -1 when unknown. */
  readonly lastFetchMs: number;
  readonly lastCaughtUpMs: number;
}

/** While no leader is known. */
export const NO_QUORUM: Quorum = {
  leaderId: -1,
  leaderEpoch: -1,
  highWatermark: -1,
  voters: [],
  observers: [],
};

/** Of the broker that leads the metadata's log, which has read all of it. */
export function quorumLeader(id: number, logEndOffset: number, nowMs: number): QuorumReplica {
  return { id, logEndOffset, lastFetchMs: nowMs, lastCaughtUpMs: nowMs };
}
