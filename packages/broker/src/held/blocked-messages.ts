import { ROUND_MESSAGES } from "./limits.ts";
import type { TakenMessage, WaitingMessages } from "./waiting-messages.ts";

/** Messages that are due, and wait until the delivery before them is over. By `placeKey`. */
export class BlockedMessages {
  readonly #waiting: WaitingMessages;
  readonly #byPlace = new Map<string, TakenMessage[]>();

  constructor(waiting: WaitingMessages) {
    this.#waiting = waiting;
  }

  get places(): readonly string[] {
    return [...this.#byPlace.keys()];
  }

  add(place: string, messages: readonly TakenMessage[]): void {
    const before = this.#byPlace.get(place);
    if (before === undefined) this.#byPlace.set(place, [...messages]);
    else before.push(...messages);
  }

  /**
   * Takes out the earliest, as many as a round takes. The others would be read and planned only to
   * be blocked again: with many that wait for one place, that would be most of the work.
   */
  takeNext(place: string): readonly TakenMessage[] {
    const waiting = this.#waiting;
    const timeOf = ({ entry }: TakenMessage) => waiting.timeOf(entry);
    const messages = (this.#byPlace.get(place) ?? []).filter((one) => waiting.waits(one));
    messages.sort((a, b) => timeOf(a) - timeOf(b) || a.offset - b.offset);
    const next = messages.splice(0, ROUND_MESSAGES);
    if (messages.length > 0) this.#byPlace.set(place, messages);
    else this.#byPlace.delete(place);
    return next;
  }
}
