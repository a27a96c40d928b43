import type { Server, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { KafkaPrincipal } from "../security/principal.ts";
import { plainAddress } from "./connection-info.ts";
import type { ServerLimits } from "./limits.ts";
import type { ServerTls } from "./server-tls.ts";

interface SecureEvents {
  /** The handshake is done. */
  onSecure(socket: TLSSocket, principal: KafkaPrincipal): void;
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
  { handshakeTimeoutMs, maxHandshakes }: ServerLimits,
  { onSecure, onRefused }: SecureEvents,
): SecureServer {
  // Loaded here and not imported, because most brokers have no TLS.
  const { createServer } = process.getBuiltinModule("node:tls");
  const server = createServer({
    ...socketOptions,
    ...tls.options,
    handshakeTimeout: handshakeTimeoutMs,
  });
  const handshaking = new Map<string, Socket>();
  // Node begins the handshake in a listener of its own, which was added before.
  server.on("connection", (socket: Socket) => {
    const key = keyOf(socket);
    if (handshaking.size >= maxHandshakes) {
      onRefused(plainAddress(socket.remoteAddress), `${maxHandshakes} TLS handshakes are not done`);
      socket.destroy();
      return;
    }
    handshaking.set(key, socket);
    socket.on("close", () => handshaking.delete(key));
  });
  server.on("secureConnection", (socket) => {
    handshaking.delete(keyOf(socket));
    const admission = tls.admit(socket);
    if ("principal" in admission) return onSecure(socket, admission.principal);
    onRefused(plainAddress(socket.remoteAddress), admission.refusal);
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
    for (const socket of handshaking.values()) socket.destroy();
  };
  return { server, end };
}

/** A connection has one remote address and port on this server. */
function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** Null for a peer that only went away, as health checks do. */
function reasonOf(error: NodeJS.ErrnoException & { reason?: string }): string | null {
  const { code, reason = error.message } = error;
  if (code === "ECONNRESET" || code === "EPIPE") return null;
  if (code === "ERR_TLS_HANDSHAKE_TIMEOUT") return "its TLS handshake took too long";
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "ERR_SSL_HTTP_REQUEST") {
    return "it does not speak TLS, and this listener does: set security.protocol=SSL, or https://";
  }
  return `the TLS handshake failed: ${reason}`;
}
