import type { LogOptions } from "../log.ts";

/** Calls `onAdvance` once for all that was settled in one go, before whoever waits goes on. */
export class AdvanceNotice {
  onAdvance: (() => void) | undefined;
  #isDue = false;

  constructor(options: Partial<LogOptions>) {
    this.onAdvance = options.onAdvance;
  }

  configure(options: Partial<LogOptions>): void {
    if (options.onAdvance) this.onAdvance = options.onAdvance;
  }

  give(): void {
    if (this.#isDue || !this.onAdvance) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      this.onAdvance?.();
    });
  }
}
