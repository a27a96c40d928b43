import type { Env } from "../env/env.ts";
import { nodeEnv } from "../env/node-env.ts";
import { type Listener, type ListenerOptions, TcpListener } from "../server/listener.ts";
import type { StartServers } from "./cluster-servers.ts";

/** Everything outside the broker: a simulation replaces it. */
export interface Outside {
  readonly env: Env;
  /** Makes the listener that clients connect to. */
  readonly newListener: (options: ListenerOptions) => Listener;
  /** Starts the cluster's servers. Null for NATS, which a standalone broker never loads. */
  readonly startServers: StartServers | null;
}

/** The operating system, TCP and NATS. */
export const realWorld: Outside = {
  env: nodeEnv,
  newListener: (options) => new TcpListener(options),
  startServers: null,
};
