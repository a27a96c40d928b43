// Group consumers when coordinators restart, fence or move.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Broker } from "@tarpan/broker";
import { afterEach, describe, expect, test } from "vitest";
import {
  Admin,
  Client,
  GroupConsumer,
  type GroupConsumerOptions,
  Producer,
  type TopicPartition,
} from "../../src/index.ts";
import { CONSUMER_CONFIGS, OPTIONS_OF, PROTOCOLS } from "./protocols.ts";

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const configs = {
  "group.initial.rebalance.delay.ms": 0,
  "group.min.session.timeout.ms": 300,
  "offsets.topic.num.partitions": 3,
  ...CONSUMER_CONFIGS,
};

async function brokerAt(options: Parameters<typeof Broker.start>[0] = {}): Promise<Broker> {
  const broker = await Broker.start({ configs, ...options });
  closing.push(() => broker.stop());
  return broker;
}

function clientOf(broker: Broker): Client {
  const client = new Client({ bootstrap: broker.bootstrap, timeoutMs: 10_000 });
  closing.push(() => client.close());
  return client;
}

async function member(
  client: Client,
  options: Partial<GroupConsumerOptions> = {},
): Promise<GroupConsumer> {
  const consumer = new GroupConsumer(client, {
    ...{ groupId: "g", autoOffsetReset: "earliest", maxWaitMs: 50 },
    ...OPTIONS_OF[options.groupProtocol ?? "classic"],
    ...options,
  });
  closing.push(() => consumer.close());
  await consumer.subscribe(["t"]);
  return consumer;
}

async function take(consumer: GroupConsumer, count: number): Promise<number[]> {
  const offsets: number[] = [];
  while (offsets.length < count) offsets.push(...(await consumer.poll()).map((r) => r.offset));
  return offsets;
}

const record = { topic: "t", partition: 0, value: "v" };

describe.each(PROTOCOLS)("%s protocol", (groupProtocol) => {
  test("a broker that restarts: the member stays in its generation, and no record is lost", async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "tarpan-group-"));
    closing.push(() => rmSync(dataDir, { recursive: true, force: true }));
    const before = await brokerAt({ dataDir });
    const client = clientOf(before);
    await new Admin(client).createTopic({ name: "t", partitions: 1 });
    const producer = new Producer(client);
    await producer.sendBatch([record, record]);
    const events: string[] = [];
    const consumer = await member(client, {
      groupProtocol,
      onAssigned: (given) => void events.push(`+${given.length}`),
      onRevoked: (gone) => void events.push(`-${gone.length}`),
    });
    expect(await take(consumer, 2)).toEqual([0, 1]);
    const { member: joined } = consumer;
    await before.stop();
    const after = await brokerAt({ dataDir, port: before.port });
    await producer.send(record);
    expect(await take(consumer, 1)).toEqual([2]);
    await consumer.commit();
    expect(consumer.member).toEqual(joined);
    expect(events).toEqual(["+1"]);
    await consumer.close();
    const again = new Admin(clientOf(after));
    expect(await again.groupOffsets("g")).toEqual([
      { topic: "t", partition: 0, offset: 3, metadata: "" },
    ]);
  });

  test("a broker that forgets the group: the member loses its partitions and joins again", async () => {
    const before = await brokerAt();
    const client = clientOf(before);
    await new Admin(client).createTopic({ name: "t", partitions: 1 });
    const producer = new Producer(client);
    await producer.send(record);
    const lost: TopicPartition[] = [];
    const consumer = await member(client, {
      groupProtocol,
      onLost: (gone) => void lost.push(...gone),
    });
    expect(await take(consumer, 1)).toEqual([0]);
    const { memberId } = consumer.member;
    await before.stop();
    const after = await brokerAt({ port: before.port });
    await new Admin(clientOf(after)).createTopic({ name: "t", partitions: 1 });
    await new Producer(clientOf(after)).send(record);
    expect(await take(consumer, 1)).toEqual([0]);
    expect(lost).toEqual([{ topic: "t", partition: 0 }]);
    // With the consumer protocol a member keeps its id for life.
    const kept = consumer.member.memberId === memberId;
    expect(kept).toBe(groupProtocol === "consumer");
    await consumer.close();
  });

  test("the kept partitions are read during the rebalance", async () => {
    const client = clientOf(await brokerAt());
    await new Admin(client).createTopic({ name: "t", partitions: 4 });
    const events: string[] = [];
    const first = await member(client, {
      groupProtocol,
      onAssigned: (given) => void events.push(`+${given.length}`),
      onRevoked: (gone) => void events.push(`-${gone.length}`),
    });
    while (first.assignment.length < 4) await first.poll(20);
    const second = await member(client, { groupProtocol });
    while (second.assignment.length < 2) await Promise.all([first.poll(20), second.poll(20)]);
    // Two partitions moved; the two that stay were never revoked.
    expect(events).toEqual(["+4", "-2"]);
    const both = [...first.assignment, ...second.assignment].map((at) => at.partition);
    expect(both.sort()).toEqual([0, 1, 2, 3]);
  });

  test("a callback that fails rejects its poll; the next poll goes on", async () => {
    const client = clientOf(await brokerAt());
    await new Admin(client).createTopic({ name: "t", partitions: 1 });
    await new Producer(client).send(record);
    const consumer = await member(client, {
      groupProtocol,
      onAssigned: () => {
        throw new Error("mine");
      },
    });
    const polled = async () => {
      for (;;) await consumer.poll();
    };
    await expect(polled()).rejects.toThrow("mine");
    expect(await take(consumer, 1)).toEqual([0]);
  });
});

test("a static member that restarts in time moves no partition; the old process is fenced", async () => {
  const client = clientOf(await brokerAt());
  await new Admin(client).createTopic({ name: "t", partitions: 2 });
  const changes: string[] = [];
  const other = await member(client, {
    groupInstanceId: "other",
    onAssigned: (given) => void changes.push(`+${given.map((at) => at.partition)}`),
    onRevoked: (gone) => void changes.push(`-${gone.map((at) => at.partition)}`),
  });
  const first = await member(client, { groupInstanceId: "self" });
  const settled = async (...members: GroupConsumer[]) => {
    while (members.some((each) => each.assignment.length !== 1))
      await Promise.all(members.map((each) => each.poll(20)));
  };
  await settled(first, other);
  const mine = first.assignment;
  changes.length = 0;
  // Closed without leaving, as in a restart.
  await first.close();
  const second = await member(client, { groupInstanceId: "self" });
  await settled(second, other);
  expect(second.assignment).toEqual(mine);
  expect(changes).toEqual([]);
  // Another process takes over with the same id, and this one is fenced.
  const third = await member(client, { groupInstanceId: "self" });
  await settled(third, other);
  const fenced = async () => {
    for (;;) await second.poll();
  };
  await expect(fenced()).rejects.toMatchObject({ code: "TARPAN_KAFKA_FENCED_INSTANCE_ID" });
  expect(second.assignment).toEqual([]);
  await expect(second.poll()).rejects.toMatchObject({ code: "TARPAN_KAFKA_FENCED_INSTANCE_ID" });
  expect(third.assignment).toEqual(mine);
});

test("poll rejects with final errors: an invalid session time-out, no common protocol", async () => {
  const client = clientOf(await brokerAt());
  await new Admin(client).createTopic({ name: "t", partitions: 1 });
  const short = await member(client, { sessionTimeoutMs: 1 });
  const polled = async (consumer: GroupConsumer) => {
    for (;;) await consumer.poll();
  };
  await expect(polled(short)).rejects.toMatchObject({
    code: "TARPAN_KAFKA_INVALID_SESSION_TIMEOUT",
  });
  const range = await member(client, { groupId: "r", assignors: ["range"] });
  while (range.assignment.length === 0) await range.poll();
  const sticky = await member(client, { groupId: "r", assignors: ["sticky"] });
  await expect(polled(sticky)).rejects.toMatchObject({
    code: "TARPAN_KAFKA_INCONSISTENT_GROUP_PROTOCOL",
  });
});
