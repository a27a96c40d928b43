import type { NatsConnection } from "@nats-io/transport-node";
import { EngineError } from "./engine-error.ts";
import { REQUEST_TIMEOUT_MS } from "./limits.ts";

interface ApiReply {
  readonly error?: {
    readonly code: number;
    readonly err_code?: number;
    readonly description: string;
  };
}

/** Sends a request to NATS's own API. Rejects with EngineError TARPAN_ENGINE_REQUEST. */
export async function requestJson<T>(
  nc: NatsConnection,
  subject: string,
  body: unknown = {},
  timeoutMs: number = REQUEST_TIMEOUT_MS,
): Promise<T> {
  let reply: T & ApiReply;
  try {
    const message = await nc.request(subject, JSON.stringify(body), { timeout: timeoutMs });
    reply = message.json();
  } catch (error) {
    throw failed(subject, (error as Error).message, error);
  }
  const { error } = reply;
  if (error) throw failed(subject, error.description, undefined, error.err_code);
  return reply;
}

function failed(subject: string, why: string, cause?: unknown, apiCode?: number): EngineError {
  const message = `NATS request ${subject}: ${why}`;
  return new EngineError("TARPAN_ENGINE_REQUEST", message, cause, apiCode);
}
