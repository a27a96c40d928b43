import type { Timers } from "../env/env.ts";

/** A latch as its waiters see it: once open, it stays open. */
export interface PendingLatch {
  readonly isOpen: boolean;
  /**
   * Calls `wake` once, after the waiters before it: when the latch opens, or earlier when the
   * waiter should check whether it still has to wait.
   */
  onOpen(wake: () => void): void;
}

/** A latch for its owner. Opening it wakes the waiters at once, in their order. */
export class Latch implements PendingLatch {
  readonly #waiting: (() => void)[] = [];
  #isOpen = false;

  get isOpen(): boolean {
    return this.#isOpen;
  }

  onOpen(wake: () => void): void {
    if (this.#isOpen) wake();
    else this.#waiting.push(wake);
  }

  open(): void {
    this.#isOpen = true;
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** Whether `wake` is called before `limitMs` have passed. */
export function openWithin(latch: PendingLatch, limitMs: number, timers: Timers): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = timers.after(limitMs, () => resolve(false));
    latch.onOpen(() => {
      timer.cancel();
      resolve(true);
    });
  });
}

/** The answer, or the latch to wait for before the next attempt. */
export type Attempt<T> = (isLast: boolean) => T | Promise<T> | PendingLatch;

/**
 * Calls `attempt` when the latch has opened, again when a latch that it returned has opened, and a
 * last time after `limitMs`: then it must answer. Waiters of a latch attempt in their order.
 */
export function attemptWhen<T extends object>(
  latch: PendingLatch,
  limitMs: number,
  timers: Timers,
  attempt: Attempt<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let isDone = false;
    const make = (isLast: boolean) => {
      if (isDone) return;
      try {
        const made = attempt(isLast);
        if ("onOpen" in made) return made.onOpen(() => make(false));
        resolve(made);
      } catch (error) {
        reject(error);
      }
      isDone = true;
      timer.cancel();
    };
    const timer = timers.after(limitMs, () => make(true));
    latch.onOpen(() => make(false));
  });
}
