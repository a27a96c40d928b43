// Groups of the consumer protocol (KIP-848), and those on the way to it, against a real broker.
import { Broker } from "@tarpan/broker";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import {
  Admin,
  Client,
  GroupConsumer,
  type GroupConsumerOptions,
  Producer,
  type TopicPartition,
  TransactionalProducer,
} from "../../src/index.ts";
import { CONSUMER_CONFIGS, OPTIONS_OF } from "./protocols.ts";

let broker: Broker;
let client: Client;
let admin: Admin;
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  broker = await Broker.start({
    configs: { "group.initial.rebalance.delay.ms": 0, ...CONSUMER_CONFIGS },
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
async function topicOf(partitions: number): Promise<string> {
  const name = `topic${names++}`;
  await admin.createTopic({ name, partitions });
  return name;
}

async function member(
  topic: string,
  options: Partial<GroupConsumerOptions> = {},
): Promise<GroupConsumer> {
  const { groupProtocol = "consumer" } = options;
  const consumer = new GroupConsumer(client, {
    ...{ groupId: `group-${topic}`, autoOffsetReset: "earliest", maxWaitMs: 20 },
    ...OPTIONS_OF[groupProtocol],
    ...options,
  });
  closing.push(() => consumer.close());
  await consumer.subscribe([topic]);
  return consumer;
}

const partitionsOf = (consumer: GroupConsumer) =>
  consumer.assignment.map(({ partition }) => partition).sort();

/** Polls all, at the same time, until they have these numbers of partitions. */
async function settle(sizes: ReadonlyMap<GroupConsumer, number>): Promise<void> {
  const settled = () => [...sizes].every(([each, size]) => each.assignment.length === size);
  while (!settled()) await Promise.all([...sizes.keys()].map((each) => each.poll(20)));
}

test("a new subscription moves the member to the other topic", async () => {
  const [one, two] = [await topicOf(2), await topicOf(3)];
  const consumer = await member(one);
  await settle(new Map([[consumer, 2]]));
  await consumer.subscribe([two]);
  await settle(new Map([[consumer, 3]]));
  expect(consumer.assignment.every(({ topic }) => topic === two)).toBe(true);
});

test("the group's assignor is the one that members name; an unknown one is refused", async () => {
  const topic = await topicOf(4);
  const options = { groupRemoteAssignor: "range" };
  const [first, second] = [await member(topic, options), await member(topic, options)];
  await settle(
    new Map([
      [first, 2],
      [second, 2],
    ]),
  );
  // Range: neighbours. Uniform would have taken turns.
  expect([partitionsOf(first), partitionsOf(second)].sort()).toEqual([
    [0, 1],
    [2, 3],
  ]);
  const unknown = await member(topic, { groupRemoteAssignor: "none" });
  await expect(unknown.poll(1_000)).rejects.toMatchObject({
    code: "TARPAN_KAFKA_UNSUPPORTED_ASSIGNOR",
  });
});

test("a static member that restarts keeps its partitions; a second one of its id is refused", async () => {
  const topic = await topicOf(2);
  const revoked: TopicPartition[] = [];
  const other = await member(topic, { onRevoked: (gone) => void revoked.push(...gone) });
  const first = await member(topic, { groupInstanceId: "self" });
  await settle(
    new Map([
      [first, 1],
      [other, 1],
    ]),
  );
  const mine = partitionsOf(first);
  const twin = await member(topic, { groupInstanceId: "self" });
  await expect(twin.poll(1_000)).rejects.toMatchObject({
    code: "TARPAN_KAFKA_UNRELEASED_INSTANCE_ID",
  });
  revoked.length = 0;
  await first.close();
  const second = await member(topic, { groupInstanceId: "self" });
  await settle(
    new Map([
      [second, 1],
      [other, 1],
    ]),
  );
  expect(partitionsOf(second)).toEqual(mine);
  expect(revoked).toEqual([]);
  await second.close({ leave: true });
  await settle(new Map([[other, 2]]));
});

test("a topic that is deleted and made anew is read from its start", async () => {
  const topic = await topicOf(1);
  const producer = new Producer(client);
  const value = (text: string) => ({ topic, partition: 0, value: text });
  await producer.sendBatch([value("old"), value("old")]);
  // An offset of the deleted topic must not be committed for the new one.
  const committed: unknown[] = [];
  const consumer = await member(topic, {
    autoCommitIntervalMs: 60_000,
    onAssigned: async () => void committed.push(await admin.groupOffsets(`group-${topic}`)),
  });
  const read: string[] = [];
  const readUntil = async (done: () => boolean) => {
    while (!done())
      for (const { offset, value } of await consumer.poll(20)) read.push(`${offset} ${value}`);
  };
  await readUntil(() => read.length === 2);
  await admin.deleteTopic(topic);
  await admin.createTopic({ name: topic, partitions: 1 });
  client.forget(topic);
  await new Producer(client).send(value("new"));
  // Its first record may be read twice: before the coordinator has taken the old topic away too.
  await readUntil(() => committed.length === 2 && read.includes("0 new"));
  expect(committed).toEqual([[], []]);
});

test("offsets in a transaction count with the member's epoch, and not after it was removed", async () => {
  const topic = await topicOf(1);
  const consumer = await member(topic, { autoCommit: false, maxPollIntervalMs: 300 });
  await settle(new Map([[consumer, 1]]));
  const producer = new TransactionalProducer(client, { transactionalId: `id-${topic}` });
  closing.push(() => producer.close());
  const groupId = `group-${topic}`;
  await producer.begin();
  await producer.sendOffsets(consumer, [{ topic, partition: 0, offset: 3 }]);
  await producer.commit();
  expect(await admin.groupOffsets(groupId)).toMatchObject([{ offset: 3 }]);
  const { member: before } = consumer;
  while (consumer.member.generation >= 0) await new Promise((resolve) => setTimeout(resolve, 10));
  await producer.begin();
  const late = producer.sendOffsets({ groupId, member: before }, [
    { topic, partition: 0, offset: 1 },
  ]);
  await expect(late).rejects.toMatchObject({ code: "TARPAN_TRANSACTION_FAILED", abortable: true });
  await producer.abort();
});

test("a group moves from classic to consumer with members of both in it, and nothing is read twice", async () => {
  const topic = await topicOf(4);
  const seen: string[] = [];
  const consumers: GroupConsumer[] = [];
  const start = async (groupProtocol: "classic" | "consumer") => {
    const consumer = await member(topic, { groupProtocol, autoCommitIntervalMs: 60_000 });
    consumers.push(consumer);
    return consumer;
  };
  const round = () =>
    Promise.all(
      consumers
        .filter((each) => !each.closed)
        .map(async (each) => {
          for (const { partition, offset } of await each.poll(20))
            seen.push(`${partition}:${offset}`);
        }),
    );
  let sent = 0;
  const more = async () => {
    const values = Array.from({ length: 20 }, (_, i) => ({ topic, partition: i % 4, value: "v" }));
    await new Producer(client).sendBatch(values);
    sent += values.length;
    while (new Set(seen).size < sent) await round();
  };
  const sizes = () =>
    consumers.filter((each) => !each.closed).map((each) => each.assignment.length);
  const shared = async (...wanted: number[]) => {
    while (`${sizes().sort()}` !== `${wanted}`) await round();
  };
  const [one, two] = [await start("classic"), await start("classic")];
  await shared(2, 2);
  await more();
  await start("consumer");
  await shared(1, 1, 2);
  await more();
  expect((await admin.describeGroup(`group-${topic}`)).type).toBe("consumer");
  const closed = one.close();
  while (sizes().length < 2 || `${sizes().sort()}` !== "2,2") await round();
  await closed;
  await more();
  await start("consumer");
  await shared(1, 1, 2);
  const last = two.close();
  await shared(2, 2);
  await last;
  await more();
  expect(seen.sort()).toEqual([...new Set(seen)].sort());
});

test("options of the other protocol are refused, with the reason", () => {
  const refused = (options: Partial<GroupConsumerOptions>) => {
    expect(() => new GroupConsumer(client, { groupId: "g", ...options })).toThrow(
      expect.objectContaining({
        code: "TARPAN_BAD_OPTION",
        message: expect.stringMatching(/can't be set with groupProtocol (classic|consumer): \w+/),
      }),
    );
  };
  refused({ groupRemoteAssignor: "uniform" });
  for (const name of ["sessionTimeoutMs", "heartbeatIntervalMs", "metadataMaxAgeMs"])
    refused({ groupProtocol: "consumer", [name]: 1_000 });
  refused({ groupProtocol: "consumer", assignors: ["range"] });
});
