import type { Timers } from "../env/env.ts";

/** Something that is about to change what a client would be told. */
export interface Coming {
  readonly isOver: boolean;
  /**
   * Calls `wake` once, after those who asked before: when it is over, or sooner, where it is worth
   * looking whether that matters any more.
   */
  onOver(wake: () => void): void;
}

/** One that whoever brings it about ends. Those who wait are told at once, in their order. */
export class Occasion implements Coming {
  readonly #waiting: (() => void)[] = [];
  #isOver = false;

  get isOver(): boolean {
    return this.#isOver;
  }

  onOver(wake: () => void): void {
    if (this.#isOver) wake();
    else this.#waiting.push(wake);
  }

  end(): void {
    this.#isOver = true;
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** Whether `wake` is called before `limitMs` have passed. */
export function overWithin(coming: Coming, limitMs: number, timers: Timers): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = timers.after(limitMs, () => resolve(false));
    coming.onOver(() => {
      timer.cancel();
      resolve(true);
    });
  });
}

/** The answer, or what has to come first. */
export type Attempt<T> = (isLast: boolean) => T | Promise<T> | Coming;

/**
 * Has `attempt` made whenever something is over that it said it waits for, in the order of asking,
 * and a last time after `limitMs`: then it must do without.
 */
export function attemptWhen<T extends object>(
  coming: Coming,
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
        if ("onOver" in made) return made.onOver(() => make(false));
        resolve(made);
      } catch (error) {
        reject(error);
      }
      isDone = true;
      timer.cancel();
    };
    const timer = timers.after(limitMs, () => make(true));
    coming.onOver(() => make(false));
  });
}
