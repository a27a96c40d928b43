import type { Timer, Timers } from "../../src/env/env.ts";
import type { ManualTime } from "../env/manual-time.ts";

/**
 * A broker's process on the common clock. While it is paused the clock goes on, but none of its
 * timers and messages arrive; once killed, none ever does.
 */
export class SimulatedProcess implements Timers {
  readonly #time: ManualTime;
  #state: "runs" | "paused" | "dead" = "runs";
  #waiting: (() => void)[] = [];
  readonly #timers = new Set<Timer>();

  constructor(time: ManualTime) {
    this.#time = time;
  }

  get runs(): boolean {
    return this.#state === "runs";
  }

  get isDead(): boolean {
    return this.#state === "dead";
  }

  /** Runs `work`, a timer or a message, in the process: now, or after a pause, or never. */
  readonly deliver = (work: () => void): void => {
    if (this.#state === "runs") work();
    else if (this.#state === "paused") this.#waiting.push(work);
  };

  after(delayMs: number, fire: () => void): Timer {
    const pending = this.#time.after(delayMs, () => {
      this.deliver(() => {
        if (this.#timers.delete(timer)) fire();
      });
    });
    const timer: Timer = {
      cancel: () => {
        this.#timers.delete(timer);
        pending.cancel();
      },
    };
    this.#timers.add(timer);
    return timer;
  }

  get pendingTimers(): number {
    return this.#timers.size;
  }

  afterThisTurn(fire: () => void): void {
    this.#time.afterThisTurn(() => this.deliver(fire));
  }

  pause(): void {
    if (this.#state === "runs") this.#state = "paused";
  }

  /** Delivers everything that arrived during the pause, in its order. */
  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "runs";
    for (const work of this.#waiting.splice(0)) work();
  }

  kill(): void {
    this.#state = "dead";
    this.#waiting = [];
  }
}
