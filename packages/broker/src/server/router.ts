/** What the network side needs of the Kafka side: turn a frame into a request that can be run. */
export interface RequestRouter {
  /**
   * Reads the header and body of one frame (its length prefix already taken off).
   * Throws when the frame can't be a request we serve: the connection is then closed.
   */
  accept(frame: Uint8Array, connection: ConnectionInfo): PendingRequest;
  /** A connection was closed: drops its state. */
  closed(connection: ConnectionInfo): void;
}

/** Pipelined requests of one lane keep their order. */
export type Lane = "produce" | "group";

export interface PendingRequest {
  /**
   * May begin while earlier requests of its connection are still in progress, if all of those are
   * in the same lane. With null it waits until all earlier ones have been answered.
   */
  readonly lane: Lane | null;
  /**
   * Does the work. Resolves to the whole response frame, length prefix included, as slices to be
   * written in order, or to null when the client expects none. A rejection closes the connection.
   * What the request does first, it does before `run` returns: requests of one lane keep their
   * order.
   */
  run(): Promise<readonly Uint8Array[] | null>;
}

/** What a handler may know about the connection it serves. */
export interface ConnectionInfo {
  readonly id: number;
  readonly remoteAddress: string;
  /** Host and port this client reached us at, for advertised addresses. */
  readonly localAddress: string;
  readonly localPort: number;
  /** Aborts when the connection closes, so that long polls end with it. */
  readonly signal: AbortSignal;
}
