import type { KafkaPrincipal } from "../security/principal.ts";
import type { RefusedRequest } from "./refused-request.ts";
import type { ConnectionInfo, RequestRouter } from "./router.ts";

/** Stands between the connections of a listener and the router until clients are known. */
export interface Gate {
  /** Largest frame of a client that is not authenticated. */
  readonly maxFrameBytes: number;
  /** What a new connection takes for its router. */
  open(connection: GatedConnection): RequestRouter;
  readonly http: HttpLogin;
}

/** A connection, for its gate. */
export interface GatedConnection {
  readonly router: RequestRouter;
  readonly info: ConnectionInfo;
  /** `mechanism`: what the client showed who it is with. */
  authenticated(principal: KafkaPrincipal, mechanism: string): void;
  /** Ends the connection when the request in progress is answered. */
  refuse(error: RefusedRequest): void;
}

/** The other end of an HTTP connection. */
export interface HttpPeer {
  readonly remoteAddress: string;
  readonly hasTls: boolean;
}

/** The broker can't find out now who a client is; the log and `/ready` say why. */
export class LogInUnavailable extends Error {
  override readonly name = "LogInUnavailable";
}

/** Finds out who sent an HTTP request, which says so in its Authorization header. */
export interface HttpLogin {
  /** For the WWW-Authenticate header; empty if no scheme of HTTP may be used. */
  challenges(hasTls: boolean): readonly string[];
  /** False until the users are known. */
  readonly isReady: boolean;
  /**
   * Rejects with RefusedRequest, after a delay, if the header does not show a user, and with
   * LogInUnavailable.
   */
  authenticate(authorization: string, peer: HttpPeer): Promise<KafkaPrincipal>;
}
