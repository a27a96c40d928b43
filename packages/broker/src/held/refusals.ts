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
  /** Also refused as dead letters: why, and until when they wait, wall clock, ms. */
  readonly #stuck = new Map<number, { readonly refusal: string; readonly toMs: number }>();

  add({ messages, reason }: Refused, refusal: string, nowMs: number): void {
    for (const { offset } of messages) {
      if (messages.length > 1) this.#suspects.add(offset);
      else if (reason === null) this.#reasons.set(offset, refusal);
      else this.#stuck.set(offset, { refusal, toMs: nowMs + REFUSED_LETTER_MS });
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

  /** Why it can't even become a dead letter now. Later its target is asked again. */
  stuckBy(offset: number, nowMs: number): string | undefined {
    const stuck = this.#stuck.get(offset);
    if (stuck === undefined || nowMs < stuck.toMs) return stuck?.refusal;
    this.#forget(offset);
    return undefined;
  }

  #forget(offset: number): void {
    this.#suspects.delete(offset);
    this.#reasons.delete(offset);
    this.#stuck.delete(offset);
  }
}
