import { CreateTopics, ErrorCode } from "@tarpan/protocol";
import { expect } from "vitest";
import { SeededRandom } from "../harness/random.ts";
import { anomaliesIn } from "../history/check.ts";
import { History } from "../history/history.ts";
import { keyOf } from "../history/operation.ts";
import { audit } from "./auditor.ts";
import { wrongTransfers } from "./check.ts";
import { type BankTopics, Bookkeeper, type Entry } from "./ledger.ts";
import { readAllCommitted } from "./read-committed.ts";
import { RoutedClient } from "./routed-client.ts";
import { Transfers, type WrittenSide } from "./transfers.ts";
import type { Wire } from "./wire.ts";

/** Longer than the time-out of the transactions that dead producers leave open. */
const OPEN_LIMIT_MS = 40_000;

export interface BankOptions {
  /** Different for each bank of a cluster. */
  readonly name: string;
  readonly seed: number;
  readonly partitions: number;
  readonly tellers: number;
  readonly replicas: number;
  /** The longest pause of a client between two transactions. */
  readonly pauseMs: number;
  /** Of the whole run. */
  readonly limitMs: number;
}

/**
 * Transfers between partitions, and a ledger of them. In the end each transfer must be there whole
 * or not at all, and in the ledger once; no transaction stays open; and the history of all clients
 * has no anomaly.
 */
export class Bank {
  readonly history: History;
  readonly #options: BankOptions;
  readonly #topics: BankTopics;
  readonly #newClient: () => RoutedClient;
  readonly #producers: readonly Transfers[];
  readonly #bookkeepers: readonly Bookkeeper[];
  #isOver = false;

  constructor(newWire: () => Wire, options: BankOptions) {
    this.#options = options;
    const { name, partitions, tellers, pauseMs, limitMs } = options;
    const topics = { accounts: `${name}-accounts`, ledger: `${name}-ledger` };
    const newClient = () => new RoutedClient(newWire(), limitMs);
    const random = new SeededRandom(options.seed);
    const ownRandom = () => new SeededRandom(random.below(0x7fffffff));
    const clock = newWire();
    const history = new History(() => clock.nowMs() * 1e6);
    this.history = history;
    this.#topics = topics;
    this.#newClient = newClient;
    this.#producers = Array.from({ length: tellers }, (_, index) => {
      const teller = { topic: topics.accounts, partitions, index, pauseMs };
      return new Transfers(newClient(), ownRandom(), history, teller);
    });
    this.#bookkeepers = Array.from({ length: partitions }, (_, partition) => {
      return new Bookkeeper(newClient(), ownRandom(), history, topics, partition);
    });
  }

  async open(): Promise<void> {
    const client = this.#newClient();
    for (const name of Object.values(this.#topics)) await this.#createTopic(client, name);
  }

  /** Resolves when all clients have ended after `end`; rejects with the first failure of one. */
  async run(): Promise<void> {
    const { partitions, pauseMs } = this.#options;
    let areProducersOver = false;
    const tellers = this.#producers.map((one) => one.run(() => this.#isOver));
    const transfers = Promise.all(tellers).finally(() => {
      areProducersOver = true;
    });
    const auditors = Array.from({ length: partitions }, (_, partition) => {
      const { accounts } = this.#topics;
      return audit(this.#newClient(), this.history, accounts, partition, () => areProducersOver);
    });
    await Promise.all([
      transfers,
      ...auditors,
      ...this.#bookkeepers.map((one) => one.run(() => areProducersOver, 20 + pauseMs)),
    ]);
  }

  /** Whether a teller has committed a transfer. */
  get hasCommitted(): boolean {
    return this.#producers.some((one) => [...one.fates.values()].includes("committed"));
  }

  end(): void {
    this.#isOver = true;
  }

  /** To be called when all clients have ended; resolves to what became of the transfers. */
  async check(): Promise<Record<"committed" | "aborted" | "unknown" | "read", number>> {
    const client = this.#newClient();
    const { accounts, ledger } = this.#topics;
    const process = this.history.newProcess();
    const readAll = async (topic: string, partition: number) => {
      const all = await readAllCommitted(client, topic, partition, OPEN_LIMIT_MS);
      const records = all.map(({ offset, value }) => {
        return [offset, (JSON.parse(value) as WrittenSide | Entry).value] as const;
      });
      const read = new Map([[keyOf(topic, partition), records]]);
      this.history.note(process, "poll", { group: null, records: read });
      return all.map(({ value }) => value);
    };
    const fates = new Map(this.#producers.flatMap((one) => [...one.fates]));
    const all: { readonly moved: readonly string[]; readonly booked: readonly string[] }[] = [];
    for (let partition = 0; partition < this.#options.partitions; partition++) {
      const moved = await readAll(accounts, partition);
      all.push({ moved, booked: await readAll(ledger, partition) });
    }
    expect(anomaliesIn(this.history.operations)).toEqual([]);
    const sides: WrittenSide[] = [];
    for (const { moved, booked } of all) {
      expect(booked.map((text) => (JSON.parse(text) as Entry).side)).toEqual(moved);
      sides.push(...moved.map((text) => JSON.parse(text)));
    }
    expect(wrongTransfers(fates, sides)).toEqual([]);
    const counts = { committed: 0, aborted: 0, unknown: 0, read: sides.length / 2 };
    for (const fate of fates.values()) counts[fate]++;
    return counts;
  }

  async #createTopic(client: RoutedClient, name: string): Promise<void> {
    const { partitions: numPartitions, replicas: replicationFactor } = this.#options;
    const configs = [{ name: "retention.ms", value: "-1" }];
    const topic = { name, numPartitions, replicationFactor, assignments: [], configs };
    await client.ask(
      { key: name, keyType: "group" },
      [CreateTopics, 7],
      { topics: [topic], timeoutMs: 10_000, validateOnly: false },
      ({ topics }) => {
        const { errorCode } = topics[0]!;
        return errorCode === ErrorCode.TOPIC_ALREADY_EXISTS ? ErrorCode.NONE : errorCode;
      },
    );
  }
}
