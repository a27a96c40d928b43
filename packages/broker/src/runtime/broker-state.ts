import type { ClusterPart } from "../cluster/cluster-part.ts";
import type { LogEngine } from "../log/log-engine.ts";
import type { Metadata } from "../metadata/metadata.ts";
import type { Partitions } from "../partition/partitions.ts";

/** What a broker serves from, opened: its own logs, or a cluster's. */
export interface BrokerState {
  readonly nodeId: number;
  readonly engine: LogEngine;
  readonly metadata: Metadata;
  readonly partitions: Partitions;
  /** Set when the last broker on these logs was not stopped in order, and they are its alone. */
  readonly unclean: boolean;
  /** Null for a broker that is alone. */
  readonly cluster: ClusterPart | null;
  /** Hands over what this broker leads, while it still serves. */
  leave(): Promise<void>;
  close(options?: { clean?: boolean }): Promise<void>;
}
