import { createConnection, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { ConnectionError, TimeoutError } from "../errors.ts";
import type { TlsOptions } from "./security.ts";

interface To {
  readonly host: string;
  readonly port: number;
  /** For connecting, and for the handshake of TLS. */
  readonly timeoutMs: number;
  readonly tls?: TlsOptions | undefined;
}

/** Rejects with ConnectionError or TimeoutError. */
export function connectedSocket(to: To): Promise<Socket> {
  const { host, port, timeoutMs, tls } = to;
  return new Promise((resolve, reject) => {
    const socket = tls === undefined ? plain(to) : secure(to, tls);
    const address = `${host}:${port}`;
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new TimeoutError(`${address} did not accept a connection within ${timeoutMs} ms`));
    }, timeoutMs);
    const failed = (error: Error) => {
      clearTimeout(timer);
      reject(new ConnectionError(reason(address, error), error));
    };
    socket.once("error", failed);
    socket.once(tls === undefined ? "connect" : "secureConnect", () => {
      clearTimeout(timer);
      socket.off("error", failed);
      resolve(socket);
    });
  });
}

function plain({ host, port }: To): Socket {
  return createConnection({ host, port, noDelay: true, keepAlive: true });
}

function secure({ host, port }: To, options: TlsOptions): Socket {
  const { serverName = host, checkHost = true, ca, pfx, ...own } = options;
  // An address is not a server name, but certificates may have it.
  const name = isIP(serverName) === 0 ? { servername: serverName } : {};
  const keys = pfx === undefined ? {} : { pfx: Buffer.from(pfx) };
  // As in Java, what is trusted need not have signed itself.
  const trust = ca === undefined ? {} : { ca, allowPartialTrustChain: true };
  const anyHost = checkHost ? {} : { checkServerIdentity: () => undefined };
  const socket = connectTls({ host, port, ...name, ...trust, ...own, ...keys, ...anyHost });
  return socket.setNoDelay(true).setKeepAlive(true);
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ENOTFOUND: "unknown host",
  EAI_AGAIN: "the name server does not answer",
  EHOSTUNREACH: "the host can't be reached",
  ENETUNREACH: "the network can't be reached",
  ECONNRESET: "the broker closed the connection",
  EPIPE: "the broker closed the connection",
};

export function reason(address: string, error: Error & { code?: string }): string {
  const why = REASONS[error.code ?? ""] ?? (error.message || error.code || "connection failed");
  return `${address}: ${why}`;
}
