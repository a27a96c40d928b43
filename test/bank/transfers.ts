import type { SeededRandom } from "../harness/random.ts";
import type { History } from "../history/history.ts";
import { isFenced, RecordedTransaction } from "./recorded-transaction.ts";
import type { RoutedClient } from "./routed-client.ts";
import { TransactionalClient } from "./transactional-client.ts";

/** What the producer of a transfer knows of its end. */
export type Fate = "committed" | "aborted" | "unknown";

/** One side of a transfer, as it is written. */
export interface Side {
  readonly transfer: string;
  readonly amount: number;
}

/** Another side has another value, as the history wants it. */
export interface WrittenSide extends Side {
  readonly value: number;
}

/** Where transfers are made, and who makes them. */
export interface TellerOptions {
  readonly topic: string;
  readonly partitions: number;
  readonly index: number;
  /** The longest pause between two transfers. */
  readonly pauseMs: number;
}

/** A producer that moves amounts from one partition to another, and that dies now and then. */
export class Transfers {
  /** By the name of the transfer. */
  readonly fates = new Map<string, Fate>();
  readonly #client: RoutedClient;
  readonly #random: SeededRandom;
  readonly #history: History;
  readonly #options: TellerOptions;
  readonly #name: string;
  /** What a former instance goes on with, because it does not know that it was replaced. */
  #zombie: (() => Promise<void>) | null = null;

  constructor(
    client: RoutedClient,
    random: SeededRandom,
    history: History,
    options: TellerOptions,
  ) {
    this.#client = client;
    this.#random = random;
    this.#history = history;
    this.#options = options;
    this.#name = `${options.topic}-teller-${options.index}`;
  }

  async run(isOver: () => boolean): Promise<void> {
    const { index, pauseMs } = this.#options;
    while (!isOver()) {
      const producer = new TransactionalClient(this.#client, this.#name, index % 2 === 0);
      const isAtOnce = this.#random.below(2) === 0;
      const begun = producer.begin();
      if (!isAtOnce) await begun;
      await Promise.all([begun, this.#zombie?.()]);
      this.#zombie = null;
      const process = this.#history.newProcess();
      while (!isOver()) {
        const recorded = new RecordedTransaction(this.#history, process, producer);
        if (!(await this.#transfer(recorded))) break;
        await this.#client.wire.pause(this.#random.below(pauseMs + 1));
      }
    }
  }

  /** False when the producer has died, or has to begin anew. */
  async #transfer(transaction: RecordedTransaction): Promise<boolean> {
    const transfer = `${this.#name}:${this.fates.size}`;
    this.fates.set(transfer, "aborted");
    const random = this.#random;
    // Of what happens: 0 to 5 end the producer at a step.
    const dice = random.below(20);
    const steps = this.#steps(transaction, transfer, dice < 15);
    if (dice > 5) return goOn(transaction, steps);
    const done = dice === 3 ? 2 : dice % 3;
    if (!(await goOn(transaction, steps.slice(0, done)))) return false;
    if (dice === 3) {
      this.fates.set(transfer, "unknown");
      transaction.commitUnheard();
    } else if (dice > 3) {
      this.#zombie = () => goOn(transaction, steps.slice(done)).then(() => {});
    } else transaction.giveUp("its producer died");
    return false;
  }

  #steps(transaction: RecordedTransaction, transfer: string, isCommit: boolean): Step[] {
    const random = this.#random;
    const { topic, partitions } = this.#options;
    const amount = 1 + random.below(100);
    const from = random.below(partitions);
    const to = (from + 1 + random.below(partitions - 1)) % partitions;
    const send = (partition: number, moved: number) => {
      const textOf = (value: number) => {
        return JSON.stringify({ value, transfer, amount: moved } satisfies WrittenSide);
      };
      return transaction.send(topic, partition, [textOf]);
    };
    const commit = async () => {
      this.fates.set(transfer, "unknown");
      await transaction.end(true);
      this.fates.set(transfer, "committed");
    };
    const end = isCommit ? commit : () => transaction.end(false);
    return [() => send(from, -amount), () => send(to, amount), end];
  }
}

type Step = () => Promise<void>;

/** False when the producer has to begin anew. */
async function goOn(transaction: RecordedTransaction, steps: readonly Step[]): Promise<boolean> {
  try {
    for (const step of steps) await step();
    return true;
  } catch (error) {
    if (!isFenced(error)) throw error;
    transaction.giveUp(String(error));
    return false;
  }
}
