import type { Io } from "./io.ts";

/**
 * Ctrl-C, and what a service manager sends: the first asks for an end, the second for one at once.
 */
export class Interrupts {
  readonly #io: Io;
  readonly #onFirst: () => void;
  #count = 0;
  #insist!: () => void;
  /** Resolves with the second. */
  readonly insisted = new Promise<void>((resolve) => {
    this.#insist = resolve;
  });

  constructor(io: Io, onFirst: () => void) {
    this.#io = io;
    this.#onFirst = onFirst;
    io.on("SIGINT", this.#came);
    io.on("SIGTERM", this.#came);
  }

  get came(): boolean {
    return this.#count > 0;
  }

  off(): void {
    this.#io.off("SIGINT", this.#came);
    this.#io.off("SIGTERM", this.#came);
  }

  readonly #came = () => {
    if (this.#count++ === 0) this.#onFirst();
    else this.#insist();
  };
}
