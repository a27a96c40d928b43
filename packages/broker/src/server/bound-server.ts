import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { ANONYMOUS } from "../security/principal.ts";
import { isOutOfFiles } from "../util/os-error.ts";
import type { Arrived } from "./connection-info.ts";
import type { Place } from "./connection-quotas.ts";
import type { Gate } from "./gate.ts";
import { KEEP_ALIVE_DELAY_MS } from "./limits.ts";
import { ListenError } from "./listen-error.ts";
import { createSecureServer, type Limited } from "./secure-server.ts";
import type { ServerTls } from "./server-tls.ts";

export interface ListenAddress {
  /** Of the listener in Kafka's `listeners`. */
  readonly name: string;
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Null if its clients speak no TLS. */
  readonly tls: ServerTls | null;
  /** Null if its clients need not authenticate by SASL. */
  readonly gate: Gate | null;
}

interface ServerEvents {
  /** A connection has come. Null if it is refused. */
  onAccepted(socket: Socket): Place | null;
  /** It has ended before it has arrived. */
  onGone(place: Place): void;
  onArrived(arrived: Arrived): void;
  /** A TLS handshake was not successful. */
  onHandshakeFailed(remoteAddress: string, why: string): void;
  /** Not accepted, because `maxConnections` are open. */
  onDrop(remoteAddress: string | undefined): void;
  /** Not accepted, because there is no file descriptor left. */
  onOutOfFiles(): void;
  onError(error: Error): void;
}

const SOCKET_OPTIONS = {
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
};

/** Accepts the connections of one address. */
export class BoundServer {
  readonly #at: ListenAddress;
  readonly #shared: Limited;
  readonly #events: ServerEvents;
  readonly #server: Server;
  /** Ends what is not a connection yet. */
  readonly #end: () => void;

  constructor(at: ListenAddress, shared: Limited, events: ServerEvents) {
    this.#at = at;
    this.#shared = shared;
    this.#events = events;
    const { server, end } = at.tls === null ? this.#plain() : this.#secure(at.tls);
    this.#server = server;
    this.#end = end;
    server.maxConnections = shared.limits.maxConnections;
    server.on("drop", (peer) => events.onDrop(peer?.remoteAddress));
  }

  /** The real port; 0 while it does not listen. */
  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  get listening(): boolean {
    return this.#server.listening;
  }

  /** Rejects with ListenError. */
  listen(): Promise<void> {
    const { host, port } = this.#at;
    const server = this.#server;
    return new Promise((resolve, reject) => {
      const refused = (error: Error) => reject(new ListenError(host, port, error));
      server.once("error", refused);
      server.listen({ host, port, backlog: this.#shared.limits.listenBacklog }, () => {
        server.off("error", refused);
        server.on("error", (error) => {
          // No descriptor was left to accept a connection with: the client finds it closed.
          if (isOutOfFiles(error)) this.#events.onOutOfFiles();
          else this.#events.onError(error);
        });
        resolve();
      });
    });
  }

  /** `onClosed` is called when all its connections have ended. */
  close(onClosed: () => void = () => {}): void {
    this.#server.close(onClosed);
    this.#end();
  }

  #plain(): { server: Server; end: () => void } {
    const server = createServer(SOCKET_OPTIONS);
    const { name: listener, gate } = this.#at;
    server.on("connection", (socket) => {
      const place = this.#events.onAccepted(socket);
      if (place === null) return;
      this.#events.onArrived({ socket, listener, gate, principal: ANONYMOUS, place });
    });
    return { server, end: () => {} };
  }

  #secure(tls: ServerTls): { server: Server; end: () => void } {
    const { name: listener, gate } = this.#at;
    return createSecureServer(tls, SOCKET_OPTIONS, this.#shared, {
      onAccepted: (socket) => this.#events.onAccepted(socket),
      onGone: (place) => this.#events.onGone(place),
      onSecure: (socket, principal, place) => {
        this.#events.onArrived({ socket, listener, gate, principal, place });
      },
      onRefused: (remoteAddress, why) => {
        this.#events.onHandshakeFailed(remoteAddress, `${why} (listener ${listener})`);
      },
    });
  }
}
