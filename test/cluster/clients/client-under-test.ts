import { within } from "../../harness/within.ts";

/** A client that produces and consumes on while brokers die. */
export interface ClientUnderTest {
  /** A record that it sent again is stored once. */
  readonly idempotent: boolean;
  produce(bootstrap: readonly string[], topic: string): Promise<Producing>;
  /** From the beginning of all partitions. */
  consume(bootstrap: readonly string[], topic: string): Promise<Consuming>;
}

export interface Producing {
  /** Resolves when it has got on a good bit from now. */
  further(): Promise<void>;
  /** Stops it; resolves to the values that were acknowledged. */
  finish(): Promise<string[]>;
}

export interface Consuming {
  /** Resolves when it was given something: there need not be more than it has read already. */
  begun(): Promise<void>;
  /** Resolves when it was given all of these; then ends it. */
  until(values: readonly string[]): Promise<void>;
}

/** Records that show that a client gets on. */
const FURTHER = 50;
const LIMIT_MS = 60_000;

/** What a client has done so far, to be waited for. */
export class Progress {
  readonly #who: string;
  readonly values: string[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(who: string) {
    this.#who = who;
  }

  add(...values: readonly string[]): void {
    this.values.push(...values);
    for (const check of this.#waiting) check();
  }

  further(): Promise<void> {
    const goal = this.values.length + FURTHER;
    return this.until(`${goal} records`, () => this.values.length >= goal);
  }

  begun(): Promise<void> {
    return this.until("a first record", () => this.values.length > 0);
  }

  has(values: readonly string[]): Promise<void> {
    const missing = () => {
      const had = new Set(this.values);
      return values.filter((value) => !had.has(value));
    };
    return this.until(`all ${values.length} records`, () => missing().length === 0);
  }

  until(what: string, isSo: () => boolean): Promise<void> {
    let check = () => {};
    const so = new Promise<void>((resolve) => {
      check = () => {
        if (isSo()) resolve();
      };
      this.#waiting.add(check);
      check();
    });
    const waited = within(LIMIT_MS, `${this.#who}: ${what} (there are ${this.values.length})`, so);
    return waited.finally(() => this.#waiting.delete(check));
  }
}
