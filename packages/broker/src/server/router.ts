import type { KafkaPrincipal } from "../security/principal.ts";

/** Turns a received frame into a request that can be run. Connections need no more of Kafka. */
export interface RequestRouter {
  /**
   * Decodes one frame, given without its length prefix. Throws RefusedRequest if the broker does
   * not serve it: the connection is then closed.
   */
  accept(frame: Uint8Array, connection: ConnectionInfo): PendingRequest;
  /** A connection was closed: drops its state. */
  closed(connection: ConnectionInfo): void;
}

/** Requests of one lane may be in progress together; they begin in order. */
export type Lane = "produce" | "group";

export interface PendingRequest {
  /**
   * The request may begin while earlier ones of its connection are in progress, if all of those are
   * in the same lane. With null it begins when all earlier ones have been answered.
   */
  readonly lane: Lane | null;
  /**
   * Handles the request. Resolves to the whole response frame, length prefix included, as slices to
   * be written in order, or to null when the client expects none. A rejection closes the
   * connection. The order within a lane is that of the synchronous parts: what has to be in order
   * must happen before `run` returns its promise.
   */
  run(): Promise<readonly Uint8Array[] | null>;
}

/** The connection that a request came from, for its handler. */
export interface ConnectionInfo {
  readonly id: number;
  readonly remoteAddress: string;
  /** The name of the listener that the client came by. */
  readonly listener: string;
  /** Who the client is: ANONYMOUS until SASL or TLS says otherwise. */
  readonly principal: KafkaPrincipal;
  /** The address at which the client reached this broker, for advertised addresses. */
  readonly localAddress: string;
  readonly localPort: number;
  /** Aborts when the connection closes, so that long polls end with it. */
  readonly signal: AbortSignal;
  /**
   * Begins no further request of this connection for so long, and does not read it. Requests in
   * progress go on. A longer throttle that was begun before stays.
   */
  throttle(throttleMs: number): void;
}
