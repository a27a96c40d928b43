import type { ReplicaStates } from "../log/replication.ts";
import type { EngineFacts } from "../nats/facts.ts";
import type { Followers } from "../partition/readable-partition.ts";
import type { Rpc } from "../rpc/rpc.ts";
import type { Removal } from "./remove-broker.ts";

/** The parts that a broker has only in a cluster: engine, calls to brokers, followed partitions. */
export interface ClusterAccess {
  readonly facts: EngineFacts;
  /** Why the engine can't be reached at the moment; null while it can. */
  readonly problem: string | null;
  /** Where every log's replicas are; empty while the engine can't say. */
  states(): Promise<readonly ReplicaStates[]>;
  /** For calls to other brokers. */
  readonly rpc: Rpc;
  readonly followers: Followers;
  /** See Membership. */
  onIsolated(listener: () => void): void;
  /** See clusterOperations. */
  remove(brokerId: number): Promise<Removal>;
}
