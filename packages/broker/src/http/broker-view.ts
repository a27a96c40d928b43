import type { RequestMetrics } from "../metrics/request-metrics.ts";
import type { NetworkStats } from "../server/shared.ts";

/**
 * All that HTTP knows of the broker. Everything is asked for per request and nothing is kept, so
 * an implementation just reads what it has.
 */
export interface BrokerView {
  readiness(): Readiness;
  cluster(): ClusterView;
  /** The partitions this broker knows of, in any order. */
  partitions(): Iterable<PartitionView>;
  /** What went through the topics since the broker started. */
  traffic(): Iterable<TopicTraffic>;
  network(): NetworkView;
  readonly requests: RequestMetrics;
}

export interface Readiness {
  readonly ready: boolean;
  /** Why not, one sentence each; empty when ready. */
  readonly reasons: readonly string[];
}

export interface ClusterView {
  readonly clusterId: string;
  readonly nodeId: number;
  readonly controllerId: number;
  readonly brokers: readonly { nodeId: number; host: string; port: number }[];
  /** The log engine: "memory" or "segment". */
  readonly engine: string;
  /** "always", "interval 1000 ms", "never": what an acknowledgement is worth. */
  readonly flush: string;
  readonly version: string;
  readonly uptimeMs: number;
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
