import { CreateTopics, ErrorCode } from "@tarpan/protocol";
import { expect } from "vitest";
import { SeededRandom } from "../harness/random.ts";
import { wrongTransfers } from "./check.ts";
import { type BankTopics, Bookkeeper } from "./ledger.ts";
import { readAllCommitted } from "./read-committed.ts";
import { RoutedClient } from "./routed-client.ts";
import { ACCOUNT_PARTITIONS, type Side, Transfers } from "./transfers.ts";

/** Longer than the time-out of the transactions that dead producers leave open. */
const OPEN_LIMIT_MS = 40_000;
const PRODUCERS = 4;

export interface BankOptions {
  /** Different for each bank of a cluster. */
  readonly name: string;
  readonly bootstrap: readonly string[];
  readonly seed: number;
  readonly replicas: number;
  /** Of the whole run. */
  readonly limitMs: number;
}

/**
 * Transfers between partitions, and a ledger of them, while `faults` happen. Afterwards each
 * transfer must be there whole or not at all, and in the ledger once; no transaction stays open.
 */
export async function keepBank(options: BankOptions, faults: () => Promise<void>): Promise<void> {
  const clients: RoutedClient[] = [];
  const newClient = () => {
    const client = new RoutedClient(options.bootstrap, options.limitMs);
    clients.push(client);
    return client;
  };
  const random = new SeededRandom(options.seed);
  const ownRandom = () => new SeededRandom(random.below(0x7fffffff));
  try {
    const client = newClient();
    const topics = { accounts: `${options.name}-accounts`, ledger: `${options.name}-ledger` };
    for (const name of Object.values(topics)) await createTopic(client, name, options.replicas);
    const producers = Array.from({ length: PRODUCERS }, (_, i) => {
      return new Transfers(newClient(), ownRandom(), topics.accounts, i);
    });
    const bookkeepers = Array.from({ length: ACCOUNT_PARTITIONS }, (_, partition) => {
      return new Bookkeeper(newClient(), ownRandom(), topics, partition);
    });
    let isOver = false;
    let areProducersOver = false;
    const load = Promise.all([
      Promise.all(producers.map((one) => one.run(() => isOver))).finally(() => {
        areProducersOver = true;
      }),
      ...bookkeepers.map((one) => one.run(() => areProducersOver)),
    ]);
    const failed = load.then(() => {});
    await Promise.race([faults(), failed]);
    isOver = true;
    await load;
    await expectWhole(client, topics, producers);
  } finally {
    for (const client of clients) client.close();
  }
}

async function expectWhole(
  client: RoutedClient,
  { accounts, ledger }: BankTopics,
  producers: readonly Transfers[],
): Promise<void> {
  const fates = new Map(producers.flatMap((one) => [...one.fates]));
  const sides: Side[] = [];
  for (let partition = 0; partition < ACCOUNT_PARTITIONS; partition++) {
    const moved = await readAllCommitted(client, accounts, partition, OPEN_LIMIT_MS);
    const booked = await readAllCommitted(client, ledger, partition, OPEN_LIMIT_MS);
    const texts = moved.map(({ value }) => value);
    expect(booked.map(({ value }) => value)).toEqual(texts);
    sides.push(...texts.map((text) => JSON.parse(text)));
  }
  expect(wrongTransfers(fates, sides)).toEqual([]);
  const counts = { committed: 0, aborted: 0, unknown: 0 };
  for (const fate of fates.values()) counts[fate]++;
  console.log(`transfers: ${JSON.stringify(counts)}; ${sides.length / 2} read`);
  expect(counts.committed).toBeGreaterThan(0);
}

async function createTopic(client: RoutedClient, name: string, replicationFactor: number) {
  await client.ask(
    { key: name, keyType: "group" },
    [CreateTopics, 7],
    {
      topics: [
        {
          ...{ name, numPartitions: ACCOUNT_PARTITIONS, replicationFactor },
          ...{ assignments: [], configs: [{ name: "retention.ms", value: "-1" }] },
        },
      ],
      ...{ timeoutMs: 10_000, validateOnly: false },
    },
    ({ topics }) => {
      const { errorCode } = topics[0]!;
      return errorCode === ErrorCode.TOPIC_ALREADY_EXISTS ? ErrorCode.NONE : errorCode;
    },
  );
}
