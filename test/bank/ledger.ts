import { ErrorCode, OffsetFetch } from "@tarpan/protocol";
import type { SeededRandom } from "../harness/random.ts";
import { readCommitted } from "./read-committed.ts";
import { Refusal, type RoutedClient } from "./routed-client.ts";
import { FENCING, TransactionalClient } from "./transactional-client.ts";

const MAX_VALUES = 20;

export interface BankTopics {
  readonly accounts: string;
  /** Also the name of the group that keeps it. */
  readonly ledger: string;
}

/** Copies committed transfers of one partition to the ledger, exactly once, and may die. */
export class Bookkeeper {
  readonly #client: RoutedClient;
  readonly #random: SeededRandom;
  readonly #topics: BankTopics;
  readonly #partition: number;

  constructor(client: RoutedClient, random: SeededRandom, topics: BankTopics, partition: number) {
    this.#client = client;
    this.#topics = topics;
    this.#random = random;
    this.#partition = partition;
  }

  /** Until all is copied when nothing more comes. */
  async run(isOver: () => boolean): Promise<void> {
    const isNewer = this.#partition % 2 === 0;
    for (;;) {
      const name = `${this.#topics.ledger}-${this.#partition}`;
      const producer = new TransactionalClient(this.#client, name, isNewer);
      await producer.begin();
      let copied: Copied = "some";
      while (copied !== "died") {
        const wasOver = isOver();
        copied = await this.#copy(producer, wasOver);
        if (wasOver && copied === "all") return;
        if (copied === "all") await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  async #copy(producer: TransactionalClient, isLast: boolean): Promise<Copied> {
    const partition = this.#partition;
    const { accounts, ledger } = this.#topics;
    const offset = await this.#committedOffset();
    const read = await readCommitted(this.#client, accounts, partition, offset);
    const taken = read.values.slice(0, MAX_VALUES);
    if (taken.length === 0) return read.next >= read.highWatermark ? "all" : "some";
    const next = taken.at(-1)!.offset + 1;
    const dice = isLast ? 19 : this.#random.below(20);
    try {
      const values = taken.map(({ value }) => value);
      await producer.send(ledger, partition, values);
      if (dice === 0) return "died";
      await producer.sendOffset(ledger, accounts, partition, next);
      if (dice === 1) return "died";
      if (dice === 2) {
        producer.endUnheard(true);
        return "died";
      }
      await producer.end(dice > 5);
      return "some";
    } catch (error) {
      if (error instanceof Refusal && FENCING.includes(error.errorCode)) return "died";
      throw error;
    }
  }

  async #committedOffset(): Promise<number> {
    const { accounts, ledger } = this.#topics;
    const asked = { name: accounts, partitionIndexes: [this.#partition] };
    const answer = await this.#client.ask(
      { key: ledger, keyType: "group" },
      [OffsetFetch, 7],
      { groupId: ledger, topics: [asked], requireStable: true },
      ({ errorCode, topics }) => {
        if (errorCode !== ErrorCode.NONE) return errorCode;
        return topics[0]!.partitions[0]!.errorCode;
      },
    );
    return Math.max(0, answer.topics[0]!.partitions[0]!.committedOffset);
  }
}

type Copied = "all" | "some" | "died";
