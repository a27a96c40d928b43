import type { LogEngine } from "../log/log-engine.ts";
import type { EngineFacts } from "../nats/facts.ts";
import type { ServerRemoval } from "../nats/remove-server.ts";
import type { Bus } from "../rpc/bus.ts";

/** The engine of a cluster: logs that all brokers reach, and a bus for messages between them. */
export interface ClusterEngine {
  readonly logs: LogEngine;
  readonly bus: Bus;
  /** Removes a broker's nats-server from the engine's cluster; null with external servers. */
  readonly removeServer: ((brokerId: number) => Promise<ServerRemoval>) | null;
  /** Up to a few seconds old. */
  readonly facts: EngineFacts;
  /** Sets the brokers of the cluster: the engine places replicas only on their servers. */
  setBrokers(brokers: () => readonly number[]): void;
  /** Why the engine can't be reached at the moment; null while it can. */
  readonly problem: string | null;
  close(): Promise<void>;
}
