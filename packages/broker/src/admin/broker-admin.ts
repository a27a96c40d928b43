import type { RequestMetrics } from "../metrics/request-metrics.ts";
import type { EngineFacts } from "../nats/facts.ts";
import type { NetworkStats } from "../server/shared.ts";

/**
 * All that HTTP knows of the broker. Everything is asked for per request and nothing is kept, so
 * an implementation just reads what it has.
 */
export interface BrokerView {
  readiness(): Readiness;
  cluster(): ClusterView;
  /** Null for a broker that is alone. */
  readonly members: MembersView | null;
  /** The partitions this broker knows of, in any order. */
  partitions(): Iterable<PartitionView>;
  storage(): StorageView;
  /** What went through the topics since the broker started. */
  traffic(): Iterable<TopicTraffic>;
  network(): NetworkView;
  readonly requests: RequestMetrics;
  readonly groups: GroupsView;
}

/**
 * The consumer groups. Everything but `usage` rejects with AdminError for what can't be done, also
 * while the coordinators load.
 */
export interface GroupsView {
  list(): Promise<readonly GroupView[]>;
  describe(groupId: string): Promise<GroupDetail>;
  /** Deletes a group without members and what it committed. */
  delete(groupId: string): Promise<void>;
  /** The plan of a reset, carried out when the reset says so. */
  resetOffsets(groupId: string, reset: OffsetReset): Promise<readonly OffsetMove[]>;
  /** What the metrics show; empty while the coordinators load. */
  usage(): Promise<GroupUsage>;
}

export interface GroupView {
  readonly groupId: string;
  readonly kind: "classic" | "consumer";
  /** Kafka's name: `Empty`, `Stable` … */
  readonly state: string;
  readonly protocolType: string;
  readonly memberCount: number;
}

export interface GroupDetail extends GroupView {
  readonly members: readonly GroupMember[];
  readonly offsets: readonly GroupOffset[];
}

export interface GroupMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** Null where it is not of the consumers' format. */
  readonly assignment: readonly { topic: string; partitions: readonly number[] }[] | null;
}

export interface GroupOffset {
  readonly topic: string;
  readonly partition: number;
  readonly committedOffset: number;
  /** Null when the partition is offline or gone; so is `lag`. */
  readonly endOffset: number | null;
  /** Records yet to be consumed; 0 when the log ends before what was committed. */
  readonly lag: number | null;
}

export interface GroupUsage {
  readonly groups: readonly GroupView[];
  readonly offsets: readonly (GroupOffset & { readonly groupId: string })[];
}

export interface OffsetReset {
  readonly topic: string;
  /** Null for all of the topic. */
  readonly partitions: readonly number[] | null;
  readonly to: ResetTarget;
  /** False only plans. */
  readonly execute: boolean;
}

/** Offsets outside the log become its nearest end. A timestamp is ms since the epoch. */
export type ResetTarget =
  | "earliest"
  | "latest"
  | { readonly offset: number }
  | { readonly timestamp: number }
  | { readonly shiftBy: number };

export interface OffsetMove {
  readonly partition: number;
  /** Null when nothing is committed. */
  readonly from: number | null;
  readonly to: number;
}

export interface Readiness {
  readonly ready: boolean;
  /** Why not, one sentence each; empty when ready. */
  readonly reasons: readonly string[];
}

export interface ClusterView {
  readonly clusterId: string;
  readonly nodeId: number;
  /** -1 while there is none. */
  readonly controllerId: number;
  readonly brokers: readonly ClusterBroker[];
  readonly engine: EngineView;
  /** "always", "interval 1000 ms", "never": what an acknowledgement is worth. */
  readonly flush: string;
  readonly version: string;
  readonly uptimeMs: number;
}

export interface ClusterBroker {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
  /** Not heard of: it leads nothing. */
  readonly fenced: boolean;
}

/** The log engine; what a cluster's says of itself only there. */
export interface EngineView extends Partial<EngineFacts> {
  readonly kind: "memory" | "segment" | "jetstream";
}

/** A partition of the whole cluster. */
export interface ClusterPartition {
  readonly topic: string;
  readonly partition: number;
  /** Node id, -1 when there is none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  /** The broker beside its Raft leader; null while there is none, or it is unknown. */
  readonly raftLeader: number | null;
  /** Raft entries that replicas lack, by node id; empty where it is unknown. */
  readonly lag: Readonly<Record<string, number>>;
}

/** How far a broker is on its way out of the cluster. */
export interface BrokerRemoval {
  readonly partitionsLeft: number;
  readonly done: boolean;
  /** What to do, or what stands in the way; null when there is nothing to say. */
  readonly message: string | null;
}

export interface PartitionView {
  readonly topic: string;
  readonly partition: number;
  /** Node id, -1 when there is none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly sizeBytes: number;
  /** Why it can't be served; null when it can. */
  readonly offlineReason: string | null;
}

export interface StorageView {
  readonly diskFull: boolean;
  /** Ranges of offsets, found so far, that are damaged or missing. */
  readonly damagedRanges: number;
}

export interface TopicTraffic {
  readonly topic: string;
  readonly recordsIn: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** `{ ...listener.stats, connections: listener.connections }`. */
export interface NetworkView extends NetworkStats {
  readonly connections: number;
}

/** What only a broker of a cluster can show, and do. */
export interface MembersView {
  /** Every partition there is, whoever leads it. */
  partitions(): Promise<readonly ClusterPartition[]>;
  /** Partitions with a replica that is not in sync. */
  readonly underReplicated: number;
  /** One step of it; see docs/cluster.md. Rejects with AdminError. */
  remove(brokerId: number): Promise<BrokerRemoval>;
}
