import type { Clock, Timer, Timers } from "../../src/env/env.ts";

interface Waiting {
  readonly dueMs: number;
  readonly fire: () => void;
}

/** A clock that moves only when told, and timers that follow it. */
export class ManualTime implements Clock, Timers {
  #wallMs: number;
  #monotonicMs = 0;
  readonly #waiting = new Set<Waiting>();

  constructor(wallMs = 1_700_000_000_000) {
    this.#wallMs = wallMs;
  }

  wallMs(): number {
    return this.#wallMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** Sets only the wall clock, as an operator or NTP would. */
  jumpWallTo(wallMs: number): void {
    this.#wallMs = wallMs;
  }

  after(delayMs: number, fire: () => void): Timer {
    const waiting = { dueMs: this.#monotonicMs + delayMs, fire };
    this.#waiting.add(waiting);
    return { cancel: () => void this.#waiting.delete(waiting) };
  }

  afterThisTurn(fire: () => void): void {
    setImmediate(fire);
  }

  get pendingTimers(): number {
    return this.#waiting.size;
  }

  /** Lets `ms` pass; timers fire in order, each at its own time. */
  advance(ms: number): void {
    const untilMs = this.#monotonicMs + ms;
    for (;;) {
      let next: Waiting | undefined;
      for (const waiting of this.#waiting) {
        if (waiting.dueMs > untilMs) continue;
        if (!next || waiting.dueMs < next.dueMs) next = waiting;
      }
      if (!next) break;
      this.#waiting.delete(next);
      this.#moveTo(Math.max(next.dueMs, this.#monotonicMs));
      next.fire();
    }
    this.#moveTo(untilMs);
  }

  /** Lets `ms` pass without firing timers, as while a process is paused. */
  skip(ms: number): void {
    this.#moveTo(this.#monotonicMs + ms);
  }

  #moveTo(monotonicMs: number): void {
    this.#wallMs += monotonicMs - this.#monotonicMs;
    this.#monotonicMs = monotonicMs;
  }
}
