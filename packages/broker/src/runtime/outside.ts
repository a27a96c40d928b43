import type { Env } from "../env/env.ts";
import { nodeEnv } from "../env/node-env.ts";
import { type Listener, type ListenerOptions, TcpListener } from "../server/listener.ts";
import type { StartServers } from "./cluster-servers.ts";

/** All that a broker stands in. A simulation hands in a world of its own. */
export interface Outside {
  readonly env: Env;
  /** Where its clients come from. */
  readonly newListener: (options: ListenerOptions) => Listener;
  /** What its cluster stands on. Null for NATS, which a broker that is alone never loads. */
  readonly startServers: StartServers | null;
}

/** The real world. */
export const realWorld: Outside = {
  env: nodeEnv,
  newListener: (options) => new TcpListener(options),
  startServers: null,
};
