/** Why the broker closed a connection: the label of a metric, and a field of its warning. */
export type CloseReason =
  | "tls"
  | "tls-handshake"
  | "authentication"
  | "session-expired"
  | "too-many-http-connections"
  | "frame-length"
  | "unknown-api"
  | "unsupported-version"
  | "unparsable"
  | "acks-0-error"
  | "isolated"
  | "bug";

/** Why the broker did not accept a connection: as CloseReason, a label and a field. */
export type RefusalReason =
  | "too-many-connections"
  | "too-many-connections-of-ip"
  | "connection-rate-of-ip"
  | "too-many-open-files";

/** The header of the request that a connection was closed for. */
export interface RequestName {
  readonly api: string;
  readonly apiVersion: number;
  readonly clientId: string | null;
}

/** Thrown for a request that is answered by closing its connection. */
export class RefusedRequest extends Error {
  override readonly name = "RefusedRequest";
  readonly reason: CloseReason;
  readonly request: RequestName | null;

  constructor(reason: CloseReason, message: string, request: RequestName | null = null) {
    super(message);
    this.reason = reason;
    this.request = request;
  }
}

/** A connection that the broker closed, or did not accept. */
export interface RefusedConnection {
  readonly reason: CloseReason | RefusalReason;
  readonly remoteAddress: string;
  /** The name of the listener that it came by; null if that is not known. */
  readonly listener: string | null;
  readonly request: RequestName | null;
  readonly error: Error;
}
