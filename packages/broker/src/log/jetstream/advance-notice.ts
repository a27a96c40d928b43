import type { LogOptions } from "../log.ts";

/**
 * Calls `onAdvance` once for all bytes given in the same turn. It runs before the callers of the
 * appends continue.
 */
export class AdvanceNotice {
  onAdvance: LogOptions["onAdvance"] | undefined;
  #isDue = false;
  #sizeBytes = 0;

  constructor(options: Partial<LogOptions>) {
    this.onAdvance = options.onAdvance;
  }

  configure(options: Partial<LogOptions>): void {
    if ("onAdvance" in options) this.onAdvance = options.onAdvance;
  }

  give(sizeBytes: number): void {
    if (!this.onAdvance) return;
    this.#sizeBytes += sizeBytes;
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      const givenBytes = this.#sizeBytes;
      this.#sizeBytes = 0;
      this.onAdvance?.(givenBytes);
    });
  }
}
