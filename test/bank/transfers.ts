import type { SeededRandom } from "../harness/random.ts";
import { Refusal, type RoutedClient } from "./routed-client.ts";
import { FENCING, TransactionalClient } from "./transactional-client.ts";

export const ACCOUNT_PARTITIONS = 4;

/** What the producer of a transfer knows of its end. */
export type Fate = "committed" | "aborted" | "unknown";

/** One side of a transfer, as it is written. */
export interface Side {
  readonly transfer: string;
  readonly amount: number;
}

/** A producer that moves amounts from one partition to another, and that dies now and then. */
export class Transfers {
  /** By the name of the transfer. */
  readonly fates = new Map<string, Fate>();
  readonly #client: RoutedClient;
  readonly #random: SeededRandom;
  readonly #topic: string;
  readonly #name: string;
  readonly #isNewer: boolean;

  constructor(client: RoutedClient, random: SeededRandom, topic: string, index: number) {
    this.#client = client;
    this.#random = random;
    this.#topic = topic;
    this.#name = `${topic}-teller-${index}`;
    this.#isNewer = index % 2 === 0;
  }

  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const producer = new TransactionalClient(this.#client, this.#name, this.#isNewer);
      await producer.begin();
      while (!isOver() && (await this.#transfer(producer)));
    }
  }

  /** False when the producer has died, or has to begin anew. */
  async #transfer(producer: TransactionalClient): Promise<boolean> {
    const transfer = `${this.#name}:${this.fates.size}`;
    const random = this.#random;
    // Of what happens: 0 to 3 die at a step.
    const dice = random.below(20);
    const isCommit = dice < 14;
    this.fates.set(transfer, "aborted");
    try {
      const amount = 1 + random.below(100);
      const from = random.below(ACCOUNT_PARTITIONS);
      const to = (from + 1 + random.below(ACCOUNT_PARTITIONS - 1)) % ACCOUNT_PARTITIONS;
      if (dice === 0) return false;
      await producer.send(this.#topic, from, [sideOf({ transfer, amount: -amount })]);
      if (dice === 1) return false;
      await producer.send(this.#topic, to, [sideOf({ transfer, amount })]);
      if (dice === 2) return false;
      if (isCommit) this.fates.set(transfer, "unknown");
      if (dice === 3) {
        producer.endUnheard(true);
        return false;
      }
      await producer.end(isCommit);
      if (isCommit) this.fates.set(transfer, "committed");
      return true;
    } catch (error) {
      if (error instanceof Refusal && FENCING.includes(error.errorCode)) return false;
      throw error;
    }
  }
}

function sideOf(side: Side): string {
  return JSON.stringify(side);
}
