import { ListTransactions } from "@tarpan/protocol";
import { expect } from "vitest";
import { Bank } from "../../../../test/bank/bank.ts";
import { Refusal } from "../../../../test/bank/routed-client.ts";
import type { SeededRandom } from "../env/seeded-random.ts";
import type { ClusterWorld } from "./cluster-world.ts";
import { call } from "./requests.ts";
import { SimulatedWire } from "./simulated-wire.ts";

const LIMIT_MS = 600_000;
const OPEN_STATES = ["Ongoing", "PrepareCommit", "PrepareAbort"];

/** Transactions in a simulated cluster, and their offsets: see the bank. */
export class SimulatedBank {
  readonly topics = ["bank-accounts", "bank-ledger"];
  /** How often an answer to a client is lost. */
  badness = 0;
  /** Of its transfers, once it is checked. */
  counts = { committed: 0, aborted: 0, unknown: 0, read: 0 };
  readonly #world: ClusterWorld;
  readonly #bank: Bank;
  #load: Promise<void> = Promise.resolve();

  constructor(world: ClusterWorld, random: SeededRandom) {
    this.#world = world;
    const newWire = () => new SimulatedWire(world, () => random.chance(this.badness));
    this.#bank = new Bank(newWire, {
      ...{ name: "bank", seed: random.below(2 ** 31), partitions: 2, tellers: 3 },
      ...{ replicas: random.pick([1, 3, 3, 3]), pauseMs: 300, limitMs: LIMIT_MS },
    });
  }

  /** Resolves when there are topics. The clients then go on until `end`. */
  async start(): Promise<void> {
    const opening = this.#open();
    this.#load = opening.then(() => this.#bank.run());
    // Awaited in the end.
    this.#load.catch(() => {});
    await opening;
  }

  /** Resolves when all clients have ended. */
  async end(): Promise<void> {
    this.#bank.end();
    await this.#world.run(this.#load, 240_000);
  }

  async check(): Promise<void> {
    const world = this.#world;
    this.counts = await world.run(this.#bank.check());
    for (const broker of world.serving) {
      const asked = { stateFilters: OPEN_STATES, producerIdFilters: [] };
      const { transactionStates } = await world.run(call(broker, ListTransactions, 0, asked));
      expect(transactionStates).toEqual([]);
    }
  }

  /** Until there are brokers enough. */
  async #open(): Promise<void> {
    for (;;) {
      try {
        return await this.#bank.open();
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        await new Promise<void>((resolve) => this.#world.time.after(500, resolve));
      }
    }
  }
}
