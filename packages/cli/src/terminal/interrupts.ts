import type { Io } from "./io.ts";

/**
 * SIGINT (Ctrl-C) and SIGTERM: the first signal asks the command to end, the second to end at once.
 */
export class Interrupts {
  readonly #io: Io;
  readonly #onFirst: () => void;
  #count = 0;
  #insist!: () => void;
  /** Resolves with the second signal. */
  readonly insisted = new Promise<void>((resolve) => {
    this.#insist = resolve;
  });

  constructor(io: Io, onFirst: () => void) {
    this.#io = io;
    this.#onFirst = onFirst;
    io.on("SIGINT", this.#onSignal);
    io.on("SIGTERM", this.#onSignal);
  }

  get came(): boolean {
    return this.#count > 0;
  }

  off(): void {
    this.#io.off("SIGINT", this.#onSignal);
    this.#io.off("SIGTERM", this.#onSignal);
  }

  readonly #onSignal = () => {
    if (this.#count++ === 0) this.#onFirst();
    else this.#insist();
  };
}
