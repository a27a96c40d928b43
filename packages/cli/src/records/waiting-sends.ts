/** Far less than a producer's buffer can hold. */
const [MAX_WAITING, MAX_WAITING_BYTES] = [5_000, 4 * 1024 * 1024];

/** The sends of single records that wait for the broker's answer, limited in number and size. */
export class WaitingSends {
  #count = 0;
  #bytes = 0;
  #wake: () => void = () => {};

  /** Resolves when another record may be sent. */
  async room(): Promise<void> {
    while (this.#count >= MAX_WAITING || this.#bytes > MAX_WAITING_BYTES) await this.#change();
  }

  /** `sent` must not reject. */
  add(sent: Promise<void>, sizeBytes: number): void {
    this.#count++;
    this.#bytes += sizeBytes;
    void sent.then(() => {
      this.#count--;
      this.#bytes -= sizeBytes;
      this.#wake();
    });
  }

  /** Resolves when none waits. */
  async allSettled(): Promise<void> {
    while (this.#count > 0) await this.#change();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
