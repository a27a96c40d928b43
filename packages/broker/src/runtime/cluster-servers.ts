import type { ClusterEngine } from "../cluster/cluster-engine.ts";
import type { ClusterSettings } from "../config/settings.ts";
import type { JetStreamTransport } from "../log/jetstream/transport.ts";
import type { EngineFacts } from "../nats/facts.ts";
import type { EngineOptions } from "../nats/start-engine.ts";
import type { Bus } from "../rpc/bus.ts";

/** The servers that a cluster stands on, reached: they keep its logs and carry its messages. */
export interface ClusterServers {
  readonly transport: JetStreamTransport;
  readonly bus: Bus;
  /** See ClusterEngine. */
  readonly removeServer: ClusterEngine["removeServer"];
  /** Starts the one beside this broker anew; null where none writes to this broker's disk. */
  readonly restartOwn: (() => void) | null;
  /** What is wrong now, in a line. */
  readonly problem: string | null;
  /** Never rejects. */
  facts(): Promise<EngineFacts>;
  /** Closes the connections, and ends the server beside this broker. */
  stop(): Promise<void>;
}

/**
 * Starts, or finds, the servers and waits until they answer, however long that takes. Rejects with
 * an operational error, or with the signal's reason; nothing is left running then.
 */
export type StartServers = (
  cluster: ClusterSettings,
  options: EngineOptions,
) => Promise<ClusterServers>;
