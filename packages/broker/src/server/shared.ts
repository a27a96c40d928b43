import type { Timers } from "../env.ts";
import type { ServerLimits } from "./limits.ts";
import type { RequestMemory } from "./request-memory.ts";
import type { RequestRouter } from "./router.ts";

/** Plain numbers, read when somebody asks for metrics. */
export interface NetworkStats {
  connectionsAccepted: number;
  /** Turned away because `maxConnections` were open. */
  connectionsRefused: number;
  /** Closed by us: idle, stalled, or not speaking the protocol. */
  connectionsExpired: number;
  connectionsFailed: number;
  requests: number;
  bytesIn: number;
  bytesOut: number;
}

export type OnError = (message: string, detail: Readonly<Record<string, unknown>>) => void;

/** What all connections of one listener have in common. */
export interface Shared {
  readonly router: RequestRouter;
  readonly limits: ServerLimits;
  readonly timers: Timers;
  readonly memory: RequestMemory;
  readonly stats: NetworkStats;
  readonly onError: OnError;
  /** Response bytes handed to sockets whose peers have not taken them, over all connections. */
  unsentBytes: number;
}

export function newStats(): NetworkStats {
  return {
    connectionsAccepted: 0,
    connectionsRefused: 0,
    connectionsExpired: 0,
    connectionsFailed: 0,
    requests: 0,
    bytesIn: 0,
    bytesOut: 0,
  };
}
