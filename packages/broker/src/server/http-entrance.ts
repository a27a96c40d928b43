import type { Arrived } from "./connection-info.ts";
import type { RefusedRequest } from "./refused-request.ts";

/** A connection of an HTTP client. */
export interface HttpConnection extends Omit<Arrived, "place"> {
  /** Counts and reports why the entrance closes the connection. */
  refuse(error: RefusedRequest): void;
}

/** Takes over the connections that speak HTTP. */
export interface HttpEntrance {
  /** `firstBytes` were already read off the socket, which is paused. */
  accept(connection: HttpConnection, firstBytes: Uint8Array): void;
  /** Ends idle connections now, and the others after their current response. */
  close(): void;
}
