/** What waits for an answer on a connection of the model: ended with it. */
export class Unanswered {
  readonly #waiting = new Set<() => void>();
  isClosed = false;

  /** The first of an answer and the end of the connection settles it. */
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
