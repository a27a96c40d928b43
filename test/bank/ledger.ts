import { ErrorCode, OffsetFetch } from "@tarpan/protocol";
import type { SeededRandom } from "../harness/random.ts";
import type { History } from "../history/history.ts";
import { keyOf } from "../history/operation.ts";
import { readCommitted } from "./read-committed.ts";
import { isFenced, RecordedTransaction } from "./recorded-transaction.ts";
import type { RoutedClient } from "./routed-client.ts";
import { TransactionalClient } from "./transactional-client.ts";
import type { WrittenSide } from "./transfers.ts";

const MAX_VALUES = 20;

export interface BankTopics {
  readonly accounts: string;
  /** Also the name of the group that keeps it. */
  readonly ledger: string;
}

/** A copy of a side of a transfer. */
export interface Entry {
  readonly value: number;
  readonly side: string;
}

/** Copies committed transfers of one partition to the ledger, exactly once, and may die. */
export class Bookkeeper {
  readonly #client: RoutedClient;
  readonly #random: SeededRandom;
  readonly #history: History;
  readonly #topics: BankTopics;
  readonly #partition: number;
  /** What a former instance goes on with, because it does not know that it was replaced. */
  #zombie: (() => Promise<unknown>) | null = null;

  constructor(
    client: RoutedClient,
    random: SeededRandom,
    history: History,
    topics: BankTopics,
    partition: number,
  ) {
    this.#client = client;
    this.#random = random;
    this.#history = history;
    this.#topics = topics;
    this.#partition = partition;
  }

  /** Until all is copied when nothing more comes. */
  async run(isOver: () => boolean, pauseMs: number): Promise<void> {
    const isNewer = this.#partition % 2 === 0;
    for (;;) {
      const name = `${this.#topics.ledger}-${this.#partition}`;
      const producer = new TransactionalClient(this.#client, name, isNewer);
      await Promise.all([producer.begin(), this.#zombie?.()]);
      this.#zombie = null;
      const process = this.#history.newProcess();
      for (let copied: Copied = "some"; copied !== "died"; ) {
        const wasOver = isOver();
        const transaction = new RecordedTransaction(this.#history, process, producer);
        copied = await this.#copy(transaction, wasOver);
        if (wasOver && copied === "all") return;
        if (copied === "all") await this.#client.wire.pause(pauseMs);
      }
    }
  }

  async #copy(transaction: RecordedTransaction, isLast: boolean): Promise<Copied> {
    const { accounts } = this.#topics;
    const offset = await this.#committedOffset();
    const read = await readCommitted(this.#client, accounts, this.#partition, offset);
    const taken = read.values.slice(0, MAX_VALUES);
    if (taken.length === 0) return read.next >= read.highWatermark ? "all" : "some";
    const sides = taken.map((each) => {
      const side: WrittenSide = JSON.parse(each.value);
      return [each.offset, side.value] as const;
    });
    transaction.took(keyOf(accounts, this.#partition), sides);
    return this.#book(transaction, taken, isLast ? 19 : this.#random.below(20));
  }

  /** `dice`: 0 to 3 end the producer at a step, 4 and 5 abort. */
  async #book(
    transaction: RecordedTransaction,
    taken: readonly { readonly offset: number; readonly value: string }[],
    dice: number,
  ): Promise<Copied> {
    const partition = this.#partition;
    const { accounts, ledger } = this.#topics;
    const sendOffset = () => {
      return transaction.sendOffset(ledger, accounts, partition, taken.at(-1)!.offset + 1);
    };
    try {
      const texts = taken.map(({ value: side }) => {
        return (value: number) => JSON.stringify({ value, side } satisfies Entry);
      });
      await transaction.send(ledger, partition, texts);
      if (dice !== 0 && dice !== 3) await sendOffset();
      if (dice > 3) {
        await transaction.end(dice > 5);
        return "some";
      }
    } catch (error) {
      if (!isFenced(error)) throw error;
      transaction.giveUp(String(error));
      return "died";
    }
    if (dice === 2) transaction.commitUnheard();
    else if (dice === 3) {
      this.#zombie = async () => {
        try {
          await sendOffset();
          await transaction.end(true);
        } catch (error) {
          if (!isFenced(error)) throw error;
          transaction.giveUp(String(error));
        }
      };
    } else transaction.giveUp("its producer died");
    return "died";
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
