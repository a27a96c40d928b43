/**
 * Does one piece of work at a time, for one address after another: who asks again and again waits
 * for its own turns. Of one address the newest comes first. When more clients log in than can be
 * served, the oldest have given up and come again: in the order they came, only those that are gone
 * would be served.
 */
export class FairTurns {
  #busy = false;
  /** The next address is the first. */
  readonly #waiting = new Map<string, (() => void)[]>();

  async run<T>(address: string, work: () => Promise<T>): Promise<T> {
    if (this.#busy) await new Promise<void>((resolve) => this.#add(address, resolve));
    this.#busy = true;
    try {
      return await work();
    } finally {
      this.#passOn();
    }
  }

  #add(address: string, begin: () => void): void {
    const ofAddress = this.#waiting.get(address);
    if (ofAddress === undefined) this.#waiting.set(address, [begin]);
    else ofAddress.push(begin);
  }

  #passOn(): void {
    const next = this.#waiting.entries().next().value;
    if (next === undefined) {
      this.#busy = false;
      return;
    }
    const [address, ofAddress] = next;
    const begin = ofAddress.pop()!;
    this.#waiting.delete(address);
    if (ofAddress.length > 0) this.#waiting.set(address, ofAddress);
    begin();
  }
}
