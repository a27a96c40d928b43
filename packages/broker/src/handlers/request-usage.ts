import { type AnyApi, encodeResponse, WriteTxnMarkers } from "@tarpan/protocol";
import type { ClientLimits } from "../quotas/client-limits.ts";
import type { Body, RequestContext } from "./handler.ts";

/** What one request uses of its client's quotas; only where clients have some. */
export class RequestUsage {
  readonly #context: RequestContext;
  readonly #limits: ClientLimits;
  #throttleMs = 0;
  #workedMs = 0;

  constructor(context: RequestContext, limits: ClientLimits) {
    this.#context = context;
    this.#limits = limits;
  }

  /**
   * A produce request is counted before it is carried out, and not after it, as in Kafka: of a
   * client that sends many requests at once, those behind it wait already.
   */
  produced(bytes: number): void {
    const { services, connection } = this.#context;
    this.#throttleMs = services.quotas.produced(this.#limits, bytes, connection);
  }

  /** The handler has worked until now without a wait. */
  worked(startedMs: number): void {
    if (this.#limits.request === null) return;
    this.#workedMs += this.#context.services.env.clock.monotonicMs() - startedMs;
  }

  /** The response with the time for which the client is throttled. */
  encode(api: AnyApi, correlationId: number, response: Body): readonly Uint8Array[] {
    const { services, connection, version } = this.#context;
    const { quotas, env } = services;
    const isExempt = api === WriteTxnMarkers;
    const workMs = isExempt ? 0 : quotas.worked(this.#limits, this.#workedMs, connection);
    const { throttleTimeMs } = response;
    const own = typeof throttleTimeMs === "number" ? throttleTimeMs : 0;
    const most = Math.max(own, this.#throttleMs, workMs);
    const told = most === 0 ? response : { ...response, throttleTimeMs: most };
    const startedMs = env.clock.monotonicMs();
    const frame = encodeResponse(api, version, correlationId, told);
    if (!isExempt) quotas.workedOn(this.#limits, env.clock.monotonicMs() - startedMs);
    return frame;
  }
}
