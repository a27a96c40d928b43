import type { ClusterPartition } from "./cluster-status.ts";

/** What only a broker of a cluster can show, and do. */
export interface MembersAdmin {
  /** Every partition there is, whoever leads it. */
  partitions(): Promise<readonly ClusterPartition[]>;
  /** Partitions with a replica that is not in sync. */
  readonly underReplicated: number;
  /** One step of it; see docs/cluster.md. Rejects with AdminError. */
  remove(brokerId: number): Promise<BrokerRemoval>;
}

/** How far a broker is on its way out of the cluster. */
export interface BrokerRemoval {
  readonly partitionsLeft: number;
  readonly done: boolean;
  /** What to do, or what stands in the way; null when there is nothing to say. */
  readonly message: string | null;
}
