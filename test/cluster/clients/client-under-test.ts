import { within } from "../../harness/within.ts";

/** A client that goes on producing and consuming while brokers are killed. */
export interface ClientUnderTest {
  /** Whether a record that it retries is stored only once. */
  readonly idempotent: boolean;
  produce(bootstrap: readonly string[], topic: string): Promise<Producing>;
  /** Consumes all partitions from their beginning. */
  consume(bootstrap: readonly string[], topic: string): Promise<Consuming>;
}

export interface Producing {
  /** Resolves when FURTHER more records were sent from now on. */
  further(): Promise<void>;
  /** Stops it; resolves to the values that were acknowledged. */
  finish(): Promise<string[]>;
}

export interface Consuming {
  /** Resolves when it has got at least one record. */
  begun(): Promise<void>;
  /** Resolves when it has got all of these; then stops it. */
  until(values: readonly string[]): Promise<void>;
}

/** How many records show that a client makes progress. */
const FURTHER = 50;
const LIMIT_MS = 60_000;

/** The records that a client has sent or got so far, for tests to wait for. */
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
