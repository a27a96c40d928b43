import type { ClusterEngine } from "../cluster/cluster-engine.ts";
import type { ClusterSettings } from "../config/settings.ts";
import type { JetStreamTransport } from "../log/jetstream/transport.ts";
import type { EngineFacts } from "../nats/facts.ts";
import type { EngineOptions } from "../nats/start-engine.ts";
import type { Bus } from "../rpc/bus.ts";

/** Connections to the servers that store a cluster's logs and carry its messages. */
export interface ClusterServers {
  readonly transport: JetStreamTransport;
  readonly bus: Bus;
  /** See ClusterEngine. */
  readonly removeServer: ClusterEngine["removeServer"];
  /** Restarts the nats-server that this broker runs; null if it runs none. */
  readonly restartServer: (() => void) | null;
  /** What is wrong now, in one line; null if nothing is. */
  readonly problem: string | null;
  /** Never rejects. */
  facts(): Promise<EngineFacts>;
  /** Closes the connections, and stops the nats-server that this broker runs. */
  stop(): Promise<void>;
}

/**
 * Starts this broker's nats-server, or connects to external ones, and waits without a limit until
 * they answer. Rejects with an operational error, or with the signal's reason; then nothing
 * is left running.
 */
export type StartServers = (
  cluster: ClusterSettings,
  options: EngineOptions,
) => Promise<ClusterServers>;
