import type { Env, Timer } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";

interface RepeatedWorkParts {
  readonly env: Pick<Env, "timers">;
  readonly logger: Logger;
  /** What the log calls it. */
  readonly name: string;
  readonly run: () => Promise<void>;
  /** From the end of one run to the start of the next. */
  readonly delayMs: () => number;
}

/** Work in the background that is done again and again, one run at a time. */
export class RepeatedWork {
  readonly #parts: RepeatedWorkParts;
  #timer: Timer | undefined;
  #running: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(parts: RepeatedWorkParts) {
    this.#parts = parts;
  }

  start(firstDelayMs = this.#parts.delayMs()): void {
    this.#timer = this.#parts.env.timers.after(firstDelayMs, () => {
      this.#running = this.#run();
    });
  }

  /** Resolves when a run in progress has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { logger, name, run } = this.#parts;
    try {
      await run();
    } catch (error) {
      // Nobody waits for this work: an error that left here would end the process.
      logger.error(`${name} failed: this is a bug in Tarpan. It is tried again`, { error });
    }
    if (!this.#isClosed) this.start();
  }
}
