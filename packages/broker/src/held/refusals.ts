import { REFUSED_LETTER_MS } from "./limits.ts";
import type { Delivery } from "./records.ts";

type Refused = Pick<Delivery, "messages" | "reason">;

/**
 * What became of messages whose delivery was refused for good, by their offset. It is forgotten
 * when the shard is loaded anew: then their targets are asked again.
 */
export class Refusals {
  /** Refused together with others, so each of them goes alone now: one may be the only reason. */
  readonly #suspects = new Set<number>();
  readonly #reasons = new Map<number, string>();
  /** Also refused as dead letters: until when they wait, wall clock, ms. */
  readonly #waitingToMs = new Map<number, number>();

  add({ messages, reason }: Refused, refusal: string, nowMs: number): void {
    for (const { offset } of messages) {
      if (messages.length > 1) this.#suspects.add(offset);
      else if (reason === null) this.#reasons.set(offset, refusal);
      else this.#waitingToMs.set(offset, nowMs + REFUSED_LETTER_MS);
    }
  }

  /** They were delivered. */
  forget({ messages }: Refused): void {
    for (const { offset } of messages) this.#forget(offset);
  }

  /** Whether it has to go alone. */
  isSuspect(offset: number): boolean {
    return this.#suspects.has(offset);
  }

  /** Why it has to become a dead letter. */
  of(offset: number): string | undefined {
    return this.#reasons.get(offset);
  }

  /** Whether it can't even become a dead letter now. Later its target is asked again. */
  isStuck(offset: number, nowMs: number): boolean {
    const toMs = this.#waitingToMs.get(offset);
    if (toMs === undefined) return false;
    if (nowMs < toMs) return true;
    this.#forget(offset);
    return false;
  }

  #forget(offset: number): void {
    this.#suspects.delete(offset);
    this.#reasons.delete(offset);
    this.#waitingToMs.delete(offset);
  }
}
