import type { Timers } from "../env/env.ts";
import type { KafkaPrincipal } from "../security/principal.ts";
import { type ServerLimits, STRANGERS_SHARE } from "./limits.ts";
import type { CloseReason, RefusalReason, RefusedConnection } from "./refused-request.ts";
import { RequestMemory } from "./request-memory.ts";
import type { RequestRouter } from "./router.ts";

/** Counted since the start, as plain numbers. */
interface Counters {
  connectionsAccepted: number;
  /** Closed at once: too many were open, in all or of one address, or too many waited. */
  readonly connectionsRefused: Record<RefusalReason, number>;
  /** Had to wait for `max.connections` or `max.connection.creation.rate`. */
  connectionsDelayed: number;
  /** Closed by the broker because they were idle or stalled. */
  connectionsExpired: number;
  /** Closed by the broker because of their input. */
  readonly connectionsFailed: Record<CloseReason, number>;
  requests: number;
  bytesIn: number;
  bytesOut: number;
}

/** A listener's counters, and the bytes that it holds now. */
export interface NetworkStats extends Readonly<Counters> {
  /** Bytes of requests received and not yet answered. */
  readonly heldBytes: number;
  /** Bytes of responses that slow peers have not read. */
  readonly unsentBytes: number;
  /** Connections that wait until `max.connections` or the rate admits them. */
  readonly connectionsWaiting: number;
}

export type OnRefused = (refused: RefusedConnection) => void;

/** A client of a connection has shown who it is. */
export interface LoggedIn {
  readonly principal: KafkaPrincipal;
  readonly remoteAddress: string;
  readonly listener: string;
}

export type OnLoggedIn = (client: LoggedIn, mechanism: string) => void;

/** Called for each connection that has to wait. */
export type OnWaiting = (remoteAddress: string, why: string) => void;

export type OnError = (message: string, detail: Readonly<Record<string, unknown>>) => void;

/** Shared by all connections of one listener. */
export interface Shared {
  readonly router: RequestRouter;
  readonly limits: ServerLimits;
  readonly timers: Timers;
  readonly memory: RequestMemory;
  /** Of connections that have a gate, until their clients are authenticated. */
  readonly memoryOfStrangers: RequestMemory;
  readonly stats: Counters;
  readonly onRefused: OnRefused;
  readonly onLoggedIn: OnLoggedIn;
  /** Response bytes that were written to sockets but not read by peers, over all connections. */
  unsentBytes: number;
}

export function memoriesBy({
  maxHeldBytesTotal,
}: ServerLimits): Pick<Shared, "memory" | "memoryOfStrangers"> {
  return {
    memory: new RequestMemory(maxHeldBytesTotal),
    memoryOfStrangers: new RequestMemory(maxHeldBytesTotal * STRANGERS_SHARE),
  };
}

export function newCounters(): Counters {
  return {
    connectionsAccepted: 0,
    connectionsRefused: {
      "too-many-connections": 0,
      "too-many-connections-of-ip": 0,
      "connection-rate-of-ip": 0,
      "too-many-open-files": 0,
    },
    connectionsDelayed: 0,
    connectionsExpired: 0,
    connectionsFailed: {
      tls: 0,
      "tls-handshake": 0,
      authentication: 0,
      "session-expired": 0,
      "too-many-http-connections": 0,
      "frame-length": 0,
      "unknown-api": 0,
      "unsupported-version": 0,
      unparsable: 0,
      "acks-0-error": 0,
      isolated: 0,
      bug: 0,
    },
    requests: 0,
    bytesIn: 0,
    bytesOut: 0,
  };
}
