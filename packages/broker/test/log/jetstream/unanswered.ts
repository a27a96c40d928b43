/** The requests in flight on one connection of the model, which end when it is closed. */
export class Unanswered {
  readonly #waiting = new Set<() => void>();
  isClosed = false;

  /** The returned function takes the answer; if the connection ends first, the answer is `none`. */
  ask<T>(none: T, settle: (outcome: T) => void): (outcome: T) => void {
    const giveUp = () => once(none);
    const once = (outcome: T) => {
      if (this.#waiting.delete(giveUp)) settle(outcome);
    };
    this.#waiting.add(giveUp);
    return once;
  }

  close(): void {
    this.isClosed = true;
    for (const giveUp of [...this.#waiting]) giveUp();
  }
}
