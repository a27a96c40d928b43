import type { EngineFacts } from "../nats/facts.ts";
import type { HeldPartition } from "../partition/open-transaction-watch.ts";

export interface ClusterSummary {
  readonly clusterId: string;
  readonly nodeId: number;
  /** -1 while there is no controller. */
  readonly controllerId: number;
  readonly brokers: readonly ClusterBroker[];
  /** Of what was written so far; see docs/cluster.md. */
  readonly metadataLevel: number;
  /** Up to which level all brokers read: what needs more is refused. */
  readonly metadataLevelSupported: number;
  readonly engine: EngineStatus;
  /** "always", "interval 1000 ms" or "never": when acknowledged records are synced to disk. */
  readonly flush: string;
  readonly version: string;
  readonly uptimeMs: number;
}

export interface ClusterBroker {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
  /** Whether its heartbeats do not reach the controller: it leads nothing then. */
  readonly fenced: boolean;
  /** Up to which level it reads the metadata; null if its release does not tell. */
  readonly metadataLevel: number | null;
}

/** The log engine. The optional fields exist only in a cluster. */
export interface EngineStatus extends Partial<EngineFacts> {
  readonly kind: "memory" | "segment" | "jetstream";
}

/** A partition that the broker leads itself. */
export interface PartitionStatus {
  readonly topic: string;
  readonly partition: number;
  /** Node id, -1 when there is none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly startOffset: number;
  readonly endOffset: number;
  /** Up to which consumers with read_committed may read. */
  readonly lastStableOffset: number;
  readonly sizeBytes: number;
  /** Why the partition can't be served; null when it can. */
  readonly offlineReason: string | null;
}

/** A partition of the cluster, whichever broker leads it. */
export interface ClusterPartition {
  readonly topic: string;
  readonly partition: number;
  /** Node id, -1 when there is none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  /** The broker whose nats-server is the Raft leader; null while there is none or it is unknown. */
  readonly raftLeader: number | null;
  /** Raft entries that each replica lacks, by node id; empty when unknown. */
  readonly lag: Readonly<Record<string, number>>;
}

export interface Readiness {
  readonly ready: boolean;
  /** Why it is not ready, one sentence each; empty when ready. */
  readonly reasons: readonly string[];
}

/** The cluster as one broker sees it. */
export interface ClusterStatus extends ClusterSummary, Readiness {
  /** This and the next four fields cover only partitions that this broker leads. */
  readonly topics: number;
  readonly partitionCount: number;
  readonly offlinePartitions: readonly OfflinePartition[];
  readonly uncleanablePartitions: readonly UncleanablePartition[];
  /** Those with an open transaction, for which consumers with read_committed wait. */
  readonly heldPartitions: readonly HeldPartition[];
  /** Left out unless asked for. In a cluster: all partitions, whichever broker leads them. */
  readonly partitions?: readonly ClusterPartition[] | readonly PartitionStatus[];
}

/** It is served, but can't be compacted, and keeps all records. */
export interface UncleanablePartition {
  readonly topic: string;
  readonly partition: number;
  readonly reason: string;
}

export type OfflinePartition = Pick<PartitionStatus, "topic" | "partition" | "offlineReason">;
