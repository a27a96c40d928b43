import type { Authenticator, NatsConnection, TlsOptions } from "@nats-io/transport-node";
import type { Env } from "../env/env.ts";
import { pause } from "../util/pause.ts";
import { EngineError } from "./engine-error.ts";
import {
  CONNECT_TIMEOUT_MS,
  FIRST_CONNECTION_LIMIT_MS,
  PING_INTERVAL_MS,
  PINGS_UNANSWERED,
  PROGRESS_INTERVAL_MS,
  RECONNECT_JITTER_MS,
  RECONNECT_WAIT_MS,
} from "./limits.ts";

type Nats = typeof import("@nats-io/transport-node");

export interface ConnectOptions {
  readonly env: Pick<Env, "clock" | "timers">;
  /** `nats://host:port` or `tls://host:port` each, without credentials. Called at each try. */
  readonly servers: () => readonly string[];
  /** Null to log in without credentials. */
  readonly authenticator: (nats: Nats) => Authenticator | null;
  /** Null for connections that are encrypted only if a server demands it. */
  readonly tls: TlsOptions | null;
  /** The connection's name in the server's own reports. */
  readonly name: string;
  /** The server is this broker's own: the connection never moves to another one. */
  readonly managed: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Called every few seconds with the reason why there is no connection yet. */
  readonly onWaiting: (reason: string) => void;
}

/**
 * Connects, and from then on reconnects for ever. Rejects with EngineError
 * TARPAN_ENGINE_UNREACHABLE if no server answers for a minute, with TARPAN_ENGINE_REFUSED if an
 * external server refuses the credentials, or with the signal's reason.
 */
export async function connectNats(options: ConnectOptions): Promise<NatsConnection> {
  const { env, signal } = options;
  // Loaded on demand: a single broker never needs it.
  const nats = await import("@nats-io/transport-node");
  const authenticator = options.authenticator(nats);
  const startedMs = env.clock.monotonicMs();
  let reportedMs = startedMs;
  for (;;) {
    const servers = options.servers();
    try {
      return await nats.connect({
        servers: [...servers],
        name: options.name,
        ...(authenticator !== null && { authenticator }),
        ...(options.tls !== null && { tls: options.tls }),
        timeout: CONNECT_TIMEOUT_MS,
        maxReconnectAttempts: -1,
        reconnectTimeWait: RECONNECT_WAIT_MS,
        reconnectJitter: RECONNECT_JITTER_MS,
        pingInterval: PING_INTERVAL_MS,
        maxPingOut: PINGS_UNANSWERED,
        ignoreAuthErrorAbort: true,
        ignoreClusterUpdates: options.managed,
      });
    } catch (error) {
      const reason = reasonOf(error);
      // If a managed server refuses us, another broker's server has our server's port. Ours ends
      // because of that, and is then started on another port.
      if (!options.managed && /authorization violation/i.test(reason))
        throw refused(servers, reason, error);
      const nowMs = env.clock.monotonicMs();
      if (nowMs - startedMs > FIRST_CONNECTION_LIMIT_MS) throw unreachable(servers, reason, error);
      if (nowMs - reportedMs >= PROGRESS_INTERVAL_MS) {
        reportedMs = nowMs;
        options.onWaiting(reason);
      }
      await pause(env.timers, RECONNECT_WAIT_MS, signal);
    }
  }
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as { message: string; cause?: { message?: string } };
  return cause?.message ?? message;
}

function refused(servers: readonly string[], reason: string, cause: unknown): EngineError {
  return new EngineError(
    "TARPAN_ENGINE_REFUSED",
    `NATS at ${servers.join(", ")} refuses the broker (${reason}): check its credentials`,
    cause,
  );
}

function unreachable(servers: readonly string[], reason: string, cause: unknown): EngineError {
  return new EngineError(
    "TARPAN_ENGINE_UNREACHABLE",
    `no NATS server answers at ${servers.join(", ")} (${reason}): start it, or correct the address`,
    cause,
  );
}
