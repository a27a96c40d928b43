import type { History, Pending } from "../history/history.ts";
import {
  type Key,
  keyOf,
  type OffsetAndValue,
  type Offsets,
  type Sent,
} from "../history/operation.ts";
import { Refusal } from "./routed-client.ts";
import { FENCING, type TransactionalClient } from "./transactional-client.ts";

/** A transaction of a producer, and what the history has to say of it. */
export class RecordedTransaction {
  readonly producer: TransactionalClient;
  readonly #history: History;
  readonly #process: number;
  readonly #sent: Sent[] = [];
  #read: ReadonlyMap<Key, readonly OffsetAndValue[]> = new Map();
  #commit: Offsets | null = null;
  #isOver = false;

  constructor(history: History, process: number, producer: TransactionalClient) {
    this.#history = history;
    this.#process = process;
    this.producer = producer;
  }

  /** Sends a record for each of `texts`, which are given their values. */
  async send(
    topic: string,
    partition: number,
    texts: readonly ((value: number) => string)[],
  ): Promise<void> {
    const key = keyOf(topic, partition);
    const values = texts.map(() => this.#history.newValue());
    // Until it is answered they are records that may be there.
    const begin = this.#sent.push(...values.map((value) => ({ key, value }))) - values.length;
    const records = values.map((value, i) => texts[i]!(value));
    const base = await this.producer.send(topic, partition, records);
    for (const [i, value] of values.entries()) {
      this.#sent[begin + i] = { key, value, offset: base + i };
    }
  }

  /** It has taken in these records. */
  took(key: Key, records: readonly OffsetAndValue[]): void {
    this.#read = new Map([[key, records]]);
  }

  async sendOffset(group: string, topic: string, partition: number, next: number): Promise<void> {
    await this.producer.sendOffset(group, topic, partition, next);
    this.#commit = { group, offsets: new Map([[keyOf(topic, partition), next]]) };
  }

  /** Rejects with Refusal; then it is certainly not committed unless that is unsure. */
  async end(isCommit: boolean): Promise<void> {
    const pending = this.#ask();
    try {
      await this.producer.end(isCommit);
    } catch (error) {
      const isCertain = !isCommit || (error instanceof Refusal && !error.isUnsure);
      pending[isCertain ? "fail" : "info"](String(error));
      throw error;
    }
    if (isCommit) pending.ok();
    else pending.fail("aborted");
  }

  /** Asks for its commit, and does not wait for the answer. */
  commitUnheard(): void {
    const pending = this.#ask();
    this.producer.endUnheard(true);
    pending.info("its producer died");
  }

  /** Its producer will never ask for its commit, unless it has. */
  giveUp(why: string): void {
    if (!this.#isOver) this.#ask().fail(why);
  }

  #ask(): Pending<"transaction"> {
    this.#isOver = true;
    return this.#history.invoke(this.#process, "transaction", {
      transactionalId: this.producer.transactionalId,
      sent: [...this.#sent],
      read: this.#read,
      commit: this.#commit,
    });
  }
}

/** Whether a producer has to begin anew because of this. */
export function isFenced(error: unknown): boolean {
  return error instanceof Refusal && FENCING.includes(error.errorCode);
}
