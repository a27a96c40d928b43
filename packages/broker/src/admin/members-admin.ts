import type { ClusterPartition } from "./cluster-status.ts";

/** The operations that only a broker of a cluster has. */
export interface MembersAdmin {
  /** All partitions of the cluster, whichever broker leads them. */
  partitions(): Promise<readonly ClusterPartition[]>;
  /** Partitions with a replica that is not in sync. */
  readonly underReplicated: number;
  /** Takes the next step of the removal; see docs/cluster.md. Rejects with AdminError. */
  remove(brokerId: number): Promise<BrokerRemoval>;
}

/** The progress of removing a broker. */
export interface BrokerRemoval {
  readonly partitionsLeft: number;
  readonly done: boolean;
  /** What the operator has to do, or what prevents the next step; null if there is nothing. */
  readonly message: string | null;
}
