import type { Server, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { KafkaPrincipal } from "../security/principal.ts";
import { plainAddress } from "./connection-info.ts";
import type { Place } from "./connection-quotas.ts";
import { Handshakes } from "./handshakes.ts";
import type { ServerTls } from "./server-tls.ts";
import type { Shared } from "./shared.ts";

/** What a server obeys. */
export type Limited = Pick<Shared, "limits" | "timers">;

interface SecureEvents {
  /** A connection has come. Null if it is refused. */
  onAccepted(socket: Socket): Place | null;
  /** The handshake is done. */
  onSecure(socket: TLSSocket, principal: KafkaPrincipal, place: Place): void;
  /** The connection has ended before its handshake was done, or because of it. */
  onGone(place: Place): void;
  onRefused(remoteAddress: string, why: string): void;
}

/** A server of TLS connections; its handshakes are few at a time, and short. */
export interface SecureServer {
  readonly server: Server;
  /** Ends the handshakes in progress, and the watch of the certificates. */
  end(): void;
}

type SocketOptions = Pick<
  NonNullable<Parameters<typeof import("node:net").createServer>[0]>,
  "allowHalfOpen" | "noDelay" | "keepAlive" | "keepAliveInitialDelay"
>;

export function createSecureServer(
  tls: ServerTls,
  socketOptions: SocketOptions,
  { limits: { handshakeTimeoutMs, maxHandshakes }, timers }: Limited,
  { onAccepted, onSecure, onGone, onRefused }: SecureEvents,
): SecureServer {
  // Loaded here and not imported, because most brokers have no TLS.
  const { createServer } = process.getBuiltinModule("node:tls");
  const server = createServer({ ...socketOptions, ...tls.options });
  const handshakes = new Handshakes(maxHandshakes);
  // Node's own listener begins the handshake, so it is called only when there may be one.
  const [begin] = server.listeners("connection");
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    const place = onAccepted(socket);
    if (place === null) return;
    const { remoteAddress, remotePort } = socket;
    const tooMany = handshakes.tooMany(remoteAddress);
    if (tooMany !== null) {
      const closed = tooMany === "new" ? socket : tooMany;
      onRefused(plainAddress(closed.remoteAddress), `${maxHandshakes} TLS handshakes are not done`);
      closed.destroy();
    }
    if (tooMany === "new") return onGone(place);
    // Node's own time-out begins again with each byte that comes.
    const timer = timers.after(handshakeTimeoutMs, () => {
      onRefused(plainAddress(remoteAddress), "its TLS handshake took too long");
      socket.destroy();
    });
    handshakes.add({ socket, place, timer });
    socket.on("close", () => {
      const gone = handshakes.take(remoteAddress, remotePort);
      if (gone !== null) onGone(gone.place);
    });
    // A client that closes in the middle of its handshake leaves its place at once.
    socket.allowHalfOpen = false;
    begin!.call(server, socket);
  });
  server.on("secureConnection", (socket) => {
    const { remoteAddress, remotePort } = socket;
    const handshake = handshakes.take(remoteAddress, remotePort);
    // Its connection has been closed meanwhile.
    if (handshake === null) return void socket.destroy();
    const admission = tls.admit(socket);
    if ("principal" in admission) {
      socket.allowHalfOpen = socketOptions.allowHalfOpen ?? false;
      return onSecure(socket, admission.principal, handshake.place);
    }
    onGone(handshake.place);
    onRefused(plainAddress(remoteAddress), admission.refusal);
    socket.on("error", () => {});
    socket.destroy();
  });
  server.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
    const why = reasonOf(error);
    if (why !== null) onRefused(plainAddress(socket.remoteAddress), why);
  });
  const endWatch = tls.watch(() => server.setSecureContext(tls.options));
  const end = () => {
    endWatch();
    handshakes.end();
  };
  return { server, end };
}

/** Null for a peer that only went away, as health checks do. */
function reasonOf(error: NodeJS.ErrnoException & { reason?: string }): string | null {
  const { code, reason = error.message } = error;
  if (code === "ECONNRESET" || code === "EPIPE") return null;
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "ERR_SSL_HTTP_REQUEST") {
    return "it does not speak TLS, and this listener does: set security.protocol=SSL, or https://";
  }
  return `the TLS handshake failed: ${reason}`;
}
