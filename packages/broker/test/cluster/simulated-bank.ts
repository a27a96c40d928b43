import { ListTransactions } from "@tarpan/protocol";
import { expect } from "vitest";
import { Bank } from "../../../../test/bank/bank.ts";
import { Refusal } from "../../../../test/bank/routed-client.ts";
import type { ReadablePartition } from "../../src/partition/readable-partition.ts";
import type { SeededRandom } from "../env/seeded-random.ts";
import type { ClusterWorld } from "./cluster-world.ts";
import { call, imageOf } from "./requests.ts";
import { SimulatedWire } from "./simulated-wire.ts";

const LIMIT_MS = 600_000;
/** Longer than the time-out of a transaction. */
const OPEN_LIMIT_MS = 20_000;
const TOPICS = ["bank-accounts", "bank-ledger"];
const PARTITIONS = 2;
const OPEN_STATES = ["Ongoing", "PrepareCommit", "PrepareAbort"];

/** Transactions in a simulated cluster, and their offsets: see the bank. */
export class SimulatedBank {
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
      ...{ name: "bank", seed: random.below(2 ** 31), partitions: PARTITIONS, tellers: 3 },
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
    // An open one without a record here still gets a marker: the logs come to rest when all ended.
    let open = await this.#openTransactions();
    for (let waitedMs = 0; open.length > 0 && waitedMs < OPEN_LIMIT_MS; waitedMs += 500) {
      await world.pass(500);
      open = await this.#openTransactions();
    }
    expect(open).toEqual([]);
    for (const topic of TOPICS)
      for (let index = 0; index < PARTITIONS; index++) await this.#checkFollowers(topic, index);
  }

  async #openTransactions() {
    const asked = { stateFilters: OPEN_STATES, producerIdFilters: [] };
    const lists = this.#world.serving.map((broker) => call(broker, ListTransactions, 0, asked));
    const answers = await this.#world.run(Promise.all(lists));
    return answers.flatMap(({ transactionStates }) => transactionStates);
  }

  /** Followers tell readers of committed records the same as the leader. */
  async #checkFollowers(topic: string, index: number): Promise<void> {
    const world = this.#world;
    const { leader, isr } = imageOf(world, topic, index);
    const led = world.broker(leader).partition(topic, index)!;
    const told = await world.run(whatIsTold(led));
    for (const id of isr) {
      if (id === leader || !world.broker(id).serves) continue;
      const { followers } = world.broker(id).member;
      const isCaughtUp = async () => {
        const found = await followers.find(topic, index);
        return typeof found !== "number" && found.lastStableOffset >= led.lastStableOffset;
      };
      let caughtUp = false;
      await world.until(`broker ${id} follows ${topic}-${index}`, () => {
        void isCaughtUp().then((isSo) => {
          caughtUp = isSo;
        });
        return caughtUp;
      });
      const followed = (await world.run(followers.find(topic, index))) as ReadablePartition;
      expect([id, await world.run(whatIsTold(followed))]).toEqual([id, told]);
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

async function whatIsTold(partition: ReadablePartition) {
  const { log, highWatermark, lastStableOffset } = partition;
  const batches = await log.read(log.startOffset, Number.MAX_SAFE_INTEGER);
  const aborted = partition.abortedIn(batches, log.startOffset);
  const content = Buffer.concat(batches).toString("base64");
  return { highWatermark, lastStableOffset, aborted, content };
}
