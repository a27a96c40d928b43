import type { ClusterAccess } from "../cluster/cluster-access.ts";
import type { LogEngine } from "../log/log-engine.ts";
import type { Metadata } from "../metadata/metadata.ts";
import type { Partitions } from "../partition/partitions.ts";

/** The opened storage and metadata of a broker, standalone or in a cluster. */
export interface BrokerState {
  readonly nodeId: number;
  readonly engine: LogEngine;
  readonly metadata: Metadata;
  readonly partitions: Partitions;
  /** Whether the last broker on these logs was not stopped cleanly. Always false in a cluster. */
  readonly unclean: boolean;
  /** Null for a standalone broker. */
  readonly cluster: ClusterAccess | null;
  /** Hands over this broker's partitions while it still serves. */
  leave(): Promise<void>;
  close(options?: { clean?: boolean }): Promise<void>;
}
