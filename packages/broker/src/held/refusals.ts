import { REFUSED_LETTER_MS } from "./limits.ts";
import type { Delivery } from "./records.ts";
import type { TakenMessage } from "./waiting-messages.ts";

type Refused = Pick<Delivery, "messages" | "reason" | "isCheck">;

interface Stuck {
  readonly refusal: string;
  /** Wall clock, ms. */
  readonly toMs: number;
  readonly progress: number;
}

/**
 * What became of messages whose delivery was refused for good, by their offset. It is forgotten
 * when the shard is loaded anew: then their targets are asked again.
 */
export class Refusals {
  /** Refused together with others, so each of them goes alone now: one may be the only reason. */
  readonly #suspects = new Set<number>();
  readonly #reasons = new Map<number, string>();
  /** Refused also as dead letters, or as checks: until when they wait. */
  readonly #stuck = new Map<number, Stuck>();
  /** Since when the target is missing, for those whose own time does not tell, monotonic ms. */
  readonly #missing = new Map<number, number>();

  add({ messages, reason, isCheck }: Refused, refusal: string, nowMs: number): void {
    for (const { offset, progress } of messages) {
      if (messages.length > 1) this.#suspects.add(offset);
      else if (reason === null && !isCheck) this.#reasons.set(offset, refusal);
      else this.#stuck.set(offset, { refusal, toMs: nowMs + REFUSED_LETTER_MS, progress });
    }
  }

  /** Since when the target of this message is missing: from now on, if it was not before. */
  missingSince(offset: number, nowMs: number): number {
    const sinceMs = this.#missing.get(offset) ?? nowMs;
    this.#missing.set(offset, sinceMs);
    return sinceMs;
  }

  /** It has another offset now. */
  moved(from: number, to: number): void {
    if (this.#suspects.delete(from)) this.#suspects.add(to);
    for (const known of [this.#reasons, this.#stuck, this.#missing]) rename(known, from, to);
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

  /** Why it can't even become a dead letter now, or can't be asked for. It is tried again later. */
  stuckBy({ offset, progress }: TakenMessage, nowMs: number): string | undefined {
    const stuck = this.#stuck.get(offset);
    if (stuck === undefined) return undefined;
    if (nowMs < stuck.toMs && progress === stuck.progress) return stuck.refusal;
    this.#forget(offset);
    return undefined;
  }

  #forget(offset: number): void {
    this.#suspects.delete(offset);
    this.#reasons.delete(offset);
    this.#stuck.delete(offset);
    this.#missing.delete(offset);
  }
}

function rename(known: Map<number, unknown>, from: number, to: number): void {
  const value = known.get(from);
  if (value === undefined) return;
  known.delete(from);
  known.set(to, value);
}
