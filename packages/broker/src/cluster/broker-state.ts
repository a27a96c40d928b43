import type { LogEngine, ReplicaStates } from "../log/log.ts";
import type { ClusterAdmin } from "../metadata/cluster-admin.ts";
import type { Metadata } from "../metadata/metadata.ts";
import type { EngineFacts } from "../nats/facts.ts";
import type { Partitions } from "../partition/partitions.ts";
import type { Followers } from "../partition/readable-partition.ts";
import type { Bus } from "./bus.ts";
import type { Removal } from "./cluster-controller.ts";

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

/** What a broker of a cluster can say beyond its own metadata. */
export interface ClusterPart {
  readonly facts: EngineFacts;
  /** Why the engine can't be reached at the moment; null while it can. */
  readonly problem: string | null;
  /** Where every log's replicas are; empty while the engine can't say. */
  states(): Promise<readonly ReplicaStates[]>;
  /** To the other brokers. */
  readonly bus: Bus;
  readonly followers: Followers;
  readonly admin: ClusterAdmin;
  /** See Membership. */
  onIsolated(listener: () => void): void;
  /** See ClusterController.remove. */
  remove(brokerId: number): Promise<Removal>;
}
