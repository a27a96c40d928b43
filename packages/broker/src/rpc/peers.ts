import type { Logger } from "../logging/logger.ts";
import { type Bus, BusError } from "./bus.ts";

/** Arguments and result are plain values. A rejection is a bug: the caller gets a BusError. */
// biome-ignore lint/suspicious/noExplicitAny: each method knows its own arguments
export type PeerMethod = (...args: any[]) => Promise<unknown>;

interface PeerCall {
  readonly method: string;
  readonly args: readonly unknown[];
}

type PeerAnswer =
  | { readonly kind: "done"; readonly result: unknown }
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
   * Rejects with BusError. This broker asks itself directly: what its method rejects with then
   * reaches the caller as it is.
   */
  async call<T>(
    brokerId: number,
    method: string,
    args: readonly unknown[],
    timeoutMs: number,
  ): Promise<T> {
    if (brokerId === this.#nodeId) return (await this.#methods.get(method)!(...args)) as T;
    const call: PeerCall = { method, args };
    const reply = await this.#bus.request(subjectOf(brokerId), call, timeoutMs);
    const answer = reply as PeerAnswer;
    if (answer.kind === "done") return answer.result as T;
    throw new BusError("unknown", answer.message);
  }

  async #answer({ method: name, args }: PeerCall): Promise<PeerAnswer> {
    try {
      const method = this.#methods.get(name);
      if (method === undefined) throw new Error(`there is no method ${name}`);
      return { kind: "done", result: await method(...args) };
    } catch (error) {
      this.#logger.error(`${name} for another broker failed: this is a bug in Tarpan`, { error });
      return { kind: "failed", message: `broker ${this.#nodeId} failed: see its log` };
    }
  }
}

function subjectOf(brokerId: number): string {
  return `tarpan.broker.${brokerId}`;
}
