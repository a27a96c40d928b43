// A real broker, embedded and in memory, and what the tests of runs do with it.
import { Broker } from "@tarpan/broker";
import { afterAll, afterEach, beforeAll } from "vitest";
import {
  Admin,
  Client,
  type ConsumedRecord,
  Consumer,
  GroupConsumer,
  type GroupConsumerOptions,
  Producer,
  type ProducerRecord,
  type RunOptions,
  type Trouble,
} from "../../src/index.ts";
import { CONSUMER_CONFIGS, OPTIONS_OF } from "../group/protocols.ts";

const FAST = { maxWaitMs: 20, autoCommitIntervalMs: 50 } as const;

export const text = (bytes: Uint8Array | null) => (bytes === null ? null : `${bytes}`);

export interface Running {
  readonly consumer: GroupConsumer;
  /** Settles when the run does. */
  readonly ended: Promise<void>;
  /** Ends the run by its signal, and waits for it. */
  readonly stop: () => Promise<void>;
}

export function useRuns() {
  let broker: Broker;
  let client: Client;
  let admin: Admin;
  const troubles: Trouble[] = [];
  const onTrouble = (trouble: Trouble) => void troubles.push(trouble);
  let names = 0;
  const closing: (() => unknown)[] = [];
  async function produce(topic: string, records: readonly string[], partition = 0): Promise<void> {
    const batch = records.map((each): ProducerRecord => {
      const [key, value] = each.includes(":") ? each.split(":") : [null, each];
      return { topic, partition, key: key!, value: value! };
    });
    await new Producer(client).sendBatch(batch);
  }

  const fixture = {
    produce,
    troubles,
    get client() {
      return client;
    },
    get admin() {
      return admin;
    },

    newClient(): Client {
      const client = new Client({ bootstrap: broker.bootstrap, timeoutMs: 10_000, onTrouble });
      closing.push(() => client.close());
      return client;
    },

    /** A new topic with these records, `key:value` or a value alone, in partition 0. */
    async topic(records: readonly string[] = [], partitions = 1): Promise<string> {
      const name = `run${names++}`;
      await admin.createTopic({ name, partitions });
      await produce(name, records);
      return name;
    },

    async start(
      topics: readonly string[],
      run: RunOptions,
      options: Partial<GroupConsumerOptions> = {},
      own = client,
    ): Promise<Running> {
      const groupId = `group-of-${topics[0]}`;
      const consumer = new GroupConsumer(own, {
        ...{ groupId, autoOffsetReset: "earliest", ...FAST },
        ...OPTIONS_OF[options.groupProtocol ?? "classic"],
        ...options,
      });
      await consumer.subscribe(topics);
      const ending = new AbortController();
      const ended = consumer.run({ signal: ending.signal, ...run });
      ended.catch(() => {});
      const stop = () => {
        ending.abort();
        return ended;
      };
      closing.push(() => stop().catch(() => {}));
      return { consumer, ended, stop };
    },

    /** What the group has committed for partition 0; -1 if nothing. */
    async committed(topic: string, partition = 0): Promise<number> {
      const offsets = await admin.groupOffsets(`group-of-${topic}`);
      const found = offsets.find((at) => at.topic === topic && at.partition === partition);
      return found?.offset ?? -1;
    },

    /** All records of all partitions of a topic. */
    async readAll(topic: string): Promise<ConsumedRecord[]> {
      const { partitions } = await admin.describeTopic(topic);
      const consumer = new Consumer(client, { maxWaitMs: 20 });
      await consumer.assign(
        partitions.map(({ partition }) => ({ topic, partition, offset: "earliest" as const })),
      );
      const records: ConsumedRecord[] = [];
      do records.push(...(await consumer.poll()));
      while (!consumer.atEnd);
      consumer.close();
      return records;
    },
  };

  beforeAll(async () => {
    broker = await Broker.start({
      configs: {
        "group.min.session.timeout.ms": 300,
        "group.initial.rebalance.delay.ms": 0,
        "offsets.topic.num.partitions": 3,
        ...CONSUMER_CONFIGS,
      },
    });
    client = new Client({ bootstrap: broker.bootstrap, timeoutMs: 10_000, onTrouble });
    admin = new Admin(client);
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
    troubles.length = 0;
  });
  afterAll(async () => {
    await client.close();
    await broker.stop();
  });
  return fixture;
}

/** Resolves when `done` holds. */
export async function until(done: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await done())) await new Promise(setImmediate);
}

/** A promise that the test resolves. */
export function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}
