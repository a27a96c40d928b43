// Group consumers against a real broker, embedded and in memory.
import { Broker } from "@tarpan/broker";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  Admin,
  type AssignorName,
  Client,
  GroupConsumer,
  type GroupConsumerOptions,
  Producer,
  type TopicPartition,
} from "../../src/index.ts";
import { CONSUMER_CONFIGS, OPTIONS_OF, PROTOCOLS, type Protocol } from "./protocols.ts";

let broker: Broker;
let client: Client;
let admin: Admin;
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  broker = await Broker.start({
    configs: {
      "group.min.session.timeout.ms": 300,
      "offsets.topic.num.partitions": 3,
      ...CONSUMER_CONFIGS,
    },
  });
  client = new Client({ bootstrap: broker.bootstrap, timeoutMs: 10_000 });
  admin = new Admin(client);
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

afterAll(async () => {
  await client.close();
  await broker.stop();
});

let names = 0;
async function topicOf(partitions: number, records: number): Promise<string> {
  const name = `t${names++}`;
  await admin.createTopic({ name, partitions });
  await produce(name, partitions, records);
  return name;
}

async function produce(topic: string, partitions: number, records: number, from = 0) {
  const batch = Array.from({ length: records }, (_, i) => ({
    topic,
    partition: (from + i) % partitions,
    value: String(from + i),
  }));
  if (batch.length > 0) await new Producer(client).sendBatch(batch);
}

async function member(
  topics: string[],
  options: Partial<GroupConsumerOptions> & { groupId: string },
  own: Client = client,
): Promise<GroupConsumer> {
  const consumer = new GroupConsumer(own, {
    ...{ maxWaitMs: 50, autoOffsetReset: "earliest" },
    ...OPTIONS_OF[options.groupProtocol ?? "classic"],
    ...options,
  });
  closing.push(() => consumer.close());
  await consumer.subscribe(topics);
  return consumer;
}

const numberOf = ({ value }: { value: Uint8Array | null }) =>
  Number(Buffer.from(value!).toString());

/** Polls all consumers, at the same time, until `done`. */
async function pollUntil(consumers: readonly GroupConsumer[], done: () => boolean): Promise<void> {
  await Promise.all(
    consumers.map(async (consumer) => {
      while (!done()) await consumer.poll();
    }),
  );
}

async function take(consumer: GroupConsumer, count: number): Promise<number[]> {
  const seen: number[] = [];
  while (seen.length < count) seen.push(...(await consumer.poll()).map(numberOf));
  return seen;
}

describe.each(PROTOCOLS)("one member, %s protocol", (groupProtocol) => {
  const named = (groupId: string) => ({ groupId: `${groupId}-${groupProtocol}`, groupProtocol });

  test("reads everything, commits on close, and the next member goes on from there", async () => {
    const topic = await topicOf(2, 10);
    const first = await member([topic], named("one"));
    expect((await take(first, 10)).sort((a, b) => a - b)).toEqual([...Array(10).keys()]);
    expect(first.member.generation).toBeGreaterThan(0);
    await first.close();
    await produce(topic, 2, 2, 10);
    const second = await member([topic], named("one"));
    expect((await take(second, 2)).sort()).toEqual([10, 11]);
  });

  test("iteration: the record at which the loop is left is read again, earlier ones are not", async () => {
    const topic = await topicOf(1, 5);
    const first = await member([topic], named("loop"));
    for await (const record of first) if (numberOf(record) === 2) break;
    await first.close();
    const second = await member([topic], named("loop"));
    const seen: number[] = [];
    for await (const record of second) {
      seen.push(numberOf(record));
      if (seen.length === 2) await second.commit();
      if (seen.length === 3) break;
    }
    await second.close();
    expect(seen).toEqual([2, 3, 4]);
    expect(await take(await member([topic], named("loop")), 1)).toEqual([4]);
  });

  test("without automatic commits only commit() commits", async () => {
    const topic = await topicOf(1, 5);
    const options = { ...named("manual"), autoCommit: false };
    const first = await member([topic], options);
    await take(first, 5);
    await first.commit([{ topic, partition: 0, offset: 2, metadata: "two" }]);
    await first.close();
    const second = await member([topic], options);
    expect(await take(second, 3)).toEqual([2, 3, 4]);
    await expect(second.commit([{ topic, partition: 9, offset: 0 }])).rejects.toMatchObject({
      code: "TARPAN_NOT_ASSIGNED",
    });
    const long = [{ topic, partition: 0, offset: 3, metadata: "x".repeat(5_000) }];
    await expect(second.commit(long)).rejects.toMatchObject({
      code: "TARPAN_KAFKA_OFFSET_METADATA_TOO_LARGE",
    });
  });

  test("seek, pause and resume", async () => {
    const topic = await topicOf(2, 6);
    const consumer = await member([topic], named("seek"));
    await take(consumer, 6);
    await consumer.seek(topic, 0, 1);
    expect(await take(consumer, 2)).toEqual([2, 4]);
    consumer.pause([{ topic, partition: 0 }]);
    expect(consumer.paused).toEqual([{ topic, partition: 0 }]);
    await produce(topic, 2, 2, 6);
    expect(await take(consumer, 1)).toEqual([7]);
    expect(await consumer.poll(100)).toEqual([]);
    consumer.resume([{ topic, partition: 0 }]);
    expect(await take(consumer, 1)).toEqual([6]);
  });

  test("no committed offset and no reset", async () => {
    const topic = await topicOf(1, 1);
    const consumer = await member([topic], { ...named("fail"), autoOffsetReset: "fail" });
    await expect(take(consumer, 1)).rejects.toMatchObject({ code: "TARPAN_NO_COMMITTED_OFFSET" });
  });

  test("two polls at once are refused", async () => {
    const consumer = await member([await topicOf(1, 0)], named("twice"));
    const first = consumer.poll(100);
    await expect(consumer.poll()).rejects.toMatchObject({ code: "TARPAN_CONCURRENT_POLL" });
    await first;
  });

  test("notices a new topic, and new partitions", async () => {
    const topic = `late-${groupProtocol}`;
    const soon = groupProtocol === "classic" ? { metadataMaxAgeMs: 20 } : {};
    const consumer = await member([topic], { ...named("late"), ...soon });
    expect(await consumer.poll(50)).toEqual([]);
    await admin.createTopic({ name: topic, partitions: 1 });
    await pollUntil([consumer], () => consumer.assignment.length === 1);
    await admin.createPartitions(topic, 3);
    await pollUntil([consumer], () => consumer.assignment.length === 3);
  });

  test("an application that does not poll leaves the group, and joins again when it polls", async () => {
    const topic = await topicOf(2, 4);
    const lost: TopicPartition[] = [];
    const stuck = await member([topic], {
      ...{ ...named("stuck"), maxPollIntervalMs: 150, autoCommit: false },
      onLost: (gone) => void lost.push(...gone),
    });
    await take(stuck, 4);
    const other = await member([topic], named("stuck"));
    await pollUntil([other], () => other.assignment.length === 2);
    await pollUntil([other, stuck], () => stuck.assignment.length === 1);
    expect(lost).toHaveLength(2);
  });
});

const VARIANTS: readonly (AssignorName | Protocol)[] = [
  ...(["range", "roundrobin", "sticky", "cooperative-sticky"] as const),
  "consumer",
];

function variant(name: AssignorName | Protocol): Partial<GroupConsumerOptions> {
  if (name === "consumer") return { groupProtocol: "consumer" };
  return { assignors: [name as AssignorName], sessionTimeoutMs: 600 };
}

describe.each(["range", "cooperative-sticky", "consumer"] as const)(
  "%s, without failures",
  (name) => {
    test("offsets are committed before a partition moves: no record is read twice", async () => {
      const topic = await topicOf(4, 40);
      const groupId = `order-${name}`;
      const options = { ...variant(name), groupId, autoCommitIntervalMs: 60_000 };
      const first = await member([topic], options);
      const seen = await take(first, 40);
      const second = await member([topic], options);
      const read = async (consumer: GroupConsumer) => {
        seen.push(...(await consumer.poll(20)).map(numberOf));
      };
      while (second.assignment.length < 2) await Promise.all([read(first), read(second)]);
      await produce(topic, 4, 8, 40);
      while (new Set(seen).size < 48) await Promise.all([read(first), read(second)]);
      await first.close();
      while (second.assignment.length < 4) await read(second);
      await read(second);
      expect(seen.sort((a, b) => a - b)).toEqual([...Array(48).keys()]);
    });
  },
);

describe.each(VARIANTS)("%s", (name) => {
  test("members come, leave and die: every record is read, and commits never go back", async () => {
    const partitions = 6;
    const topic = await topicOf(partitions, 0);
    const groupId = `dance-${name}`;
    const seen = new Set<number>();
    const owned = new Map<number, GroupConsumer>();
    const options = {
      ...variant(name),
      groupId,
      autoCommitIntervalMs: 20,
    };
    const start = async (own: Client = client) => {
      const consumer: GroupConsumer = await member(
        [topic],
        {
          ...options,
          onAssigned: (given) => {
            for (const at of given) owned.set(at.partition, consumer);
          },
          onRevoked: (gone) => {
            // No other member may have got the partitions before they are revoked here.
            for (const at of gone) expect(owned.get(at.partition)).toBe(consumer);
          },
          onLost: () => {},
        },
        own,
      );
      return consumer;
    };
    let stop = false;
    let sent = 0;
    const run = async (consumer: GroupConsumer) => {
      while (!stop && !consumer.closed)
        for (const record of await consumer.poll()) seen.add(numberOf(record));
    };
    const history = new Map<number, number>();
    const watch = async () => {
      for (const { partition, offset } of await admin.groupOffsets(groupId)) {
        expect(offset).toBeGreaterThanOrEqual(history.get(partition) ?? 0);
        history.set(partition, offset);
      }
    };
    const more = async () => {
      await produce(topic, partitions, 60, sent);
      sent += 60;
      while (seen.size < sent) {
        await watch();
        await new Promise(setImmediate);
      }
    };
    const doomed = new Client({ bootstrap: broker.bootstrap, timeoutMs: 5_000 });
    const [one, two, three] = [await start(), await start(), await start(doomed)];
    const running = [run(one!), run(two!), run(three!).catch(() => {})];
    await more();
    await one!.close();
    await more();
    const four = await start();
    running.push(run(four));
    await more();
    // Killed: its connections close without LeaveGroup, and its session has to time out.
    await doomed.close();
    await more();
    stop = true;
    await Promise.all(running);
    await two!.close();
    await four.close();
    await watch();
    const total = [...history.values()].reduce((sum, offset) => sum + offset, 0);
    expect(seen.size).toBe(sent);
    expect(total).toBe(sent);
  });
});
