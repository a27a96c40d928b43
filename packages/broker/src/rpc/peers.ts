import { type Bus, BusError } from "../cluster/bus.ts";
import { PEER_CALL_TIMEOUT_MS } from "../cluster/limits.ts";
import { CoordinatorError } from "../coordinator/coordinator-error.ts";
import type { Logger } from "../logging/logger.ts";
import { Refusal } from "../util/refusal.ts";

/** Arguments and result are plain values. May reject with Refusal and CoordinatorError. */
// biome-ignore lint/suspicious/noExplicitAny: each method knows its own arguments
export type PeerMethod = (...args: any[]) => Promise<unknown>;

interface PeerCall {
  readonly method: string;
  readonly args: readonly unknown[];
}

type PeerAnswer =
  | { readonly kind: "done"; readonly result: unknown }
  | {
      readonly kind: "refused";
      readonly status: number;
      readonly message: string;
      readonly field: string | null;
    }
  /** Nothing was done. */
  | { readonly kind: "unavailable"; readonly errorCode: number; readonly message: string }
  | { readonly kind: "failed"; readonly message: string };

/** What brokers ask of each other, so that an HTTP client may ask any of them. */
export class Peers {
  readonly #bus: Bus;
  readonly #nodeId: number;
  readonly #logger: Logger;
  readonly #methods = new Map<string, PeerMethod>();

  constructor(bus: Bus, nodeId: number, logger: Logger) {
    this.#bus = bus;
    this.#nodeId = nodeId;
    this.#logger = logger;
    // For as long as the bus lives: whoever stops answers that it can't.
    bus.serve(subjectOf(nodeId), (request) => this.#answer(request as PeerCall));
  }

  serve(methods: Readonly<Record<string, PeerMethod>>): void {
    for (const [name, method] of Object.entries(methods)) this.#methods.set(name, method);
  }

  /**
   * Rejects with what the method rejects with, or with BusError. This broker asks itself directly.
   */
  async call<T>(
    brokerId: number,
    method: string,
    args: readonly unknown[],
    timeoutMs = PEER_CALL_TIMEOUT_MS,
  ): Promise<T> {
    if (brokerId === this.#nodeId) return (await this.#methods.get(method)!(...args)) as T;
    const call: PeerCall = { method, args };
    const reply = await this.#bus.request(subjectOf(brokerId), call, timeoutMs);
    const answer = reply as PeerAnswer;
    if (answer.kind === "done") return answer.result as T;
    const { message } = answer;
    if (answer.kind === "refused") throw new Refusal(answer.status, message, answer.field);
    if (answer.kind === "unavailable") throw new CoordinatorError(answer.errorCode, message);
    throw new BusError("unknown", message);
  }

  async #answer({ method: name, args }: PeerCall): Promise<PeerAnswer> {
    try {
      const method = this.#methods.get(name);
      if (method === undefined) throw new Error(`there is no method ${name}`);
      return { kind: "done", result: await method(...args) };
    } catch (error) {
      if (error instanceof Refusal) {
        const { status, message, field } = error;
        return { kind: "refused", status, message, field };
      }
      if (error instanceof CoordinatorError) {
        const { errorCode, message } = error;
        return { kind: "unavailable", errorCode, message };
      }
      this.#logger.error(`${name} for another broker failed: this is a bug in Tarpan`, { error });
      return { kind: "failed", message: `broker ${this.#nodeId} failed: see its log` };
    }
  }
}

function subjectOf(brokerId: number): string {
  return `tarpan.broker.${brokerId}`;
}
