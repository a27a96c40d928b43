import type { LogEngine } from "../log/log-engine.ts";
import type { EngineFacts } from "../nats/facts.ts";
import type { ServerRemoval } from "../nats/remove-server.ts";
import type { Bus } from "../rpc/bus.ts";

/** What a cluster stands on, opened: logs that all brokers reach, and messages between them. */
export interface ClusterEngine {
  readonly logs: LogEngine;
  readonly bus: Bus;
  /** Has the engine forget a broker's server; null where the servers are somebody else's. */
  readonly removeServer: ((brokerId: number) => Promise<ServerRemoval>) | null;
  /** As they were a few seconds ago. */
  readonly facts: EngineFacts;
  /** Tells the engine which brokers there are, so that it can keep replicas off the others. */
  knowBrokers(brokers: () => readonly number[]): void;
  /** Why the engine can't be reached at the moment; null while it can. */
  readonly problem: string | null;
  close(): Promise<void>;
}
