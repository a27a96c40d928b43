/** A barrier: tests that share a broker wait for each other before each action on it. */
export class Barrier {
  #count: number;
  #waiting: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];
  #work: () => Promise<unknown> = async () => {};

  constructor(count: number) {
    this.#count = count;
  }

  /** Resolves when all have called this, and the action has then run once for all. */
  do(work: () => Promise<unknown>): Promise<void> {
    this.#work = work;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#goOn();
    });
  }

  /** Called by a test that is done or has failed: the others no longer wait for it. */
  leave(): void {
    this.#count--;
    this.#goOn();
  }

  #goOn(): void {
    if (this.#waiting.length === 0 || this.#waiting.length < this.#count) return;
    const waiting = this.#waiting.splice(0);
    this.#work().then(
      () => {
        for (const { resolve } of waiting) resolve();
      },
      (error: unknown) => {
        for (const { reject } of waiting) reject(error);
      },
    );
  }
}
