// Which requests share a connection, and when connections are closed.
import { Broker } from "@tarpan/broker";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import {
  Admin,
  Client,
  type ClientOptions,
  Consumer,
  GroupConsumer,
  Producer,
} from "../src/index.ts";

let broker: Broker;
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  broker = await Broker.start({ configs: { "group.initial.rebalance.delay.ms": 60_000 } });
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => broker.stop());

function clientOf(options: Partial<ClientOptions> = {}): Client {
  const client = new Client({ bootstrap: broker.bootstrap, timeoutMs: 10_000, ...options });
  closing.push(() => client.close());
  return client;
}

test("a record waits for no Fetch, and a Fetch for no other consumer's", async () => {
  const client = clientOf();
  await new Admin(client).createTopic({ name: "empty", partitions: 1 });
  await new Admin(client).createTopic({ name: "busy", partitions: 1 });
  const at = { topic: "busy", partition: 0 };
  // Its Fetch waits for a minute at the broker.
  const idle = new Consumer(client, { maxWaitMs: 60_000 });
  await idle.assign([{ topic: "empty", partition: 0, offset: "earliest" }]);
  const waiting = idle.poll();
  await new Promise(setImmediate);
  expect(await new Producer(client).send({ ...at, value: "v" })).toMatchObject({ offset: 0 });
  const other = new Consumer(client);
  await other.assign([{ ...at, offset: "earliest" }]);
  expect(await other.poll()).toHaveLength(1);
  other.close();
  idle.close();
  expect(await waiting).toEqual([]);
});

test("nothing waits for a JoinGroup", async () => {
  const client = clientOf();
  await new Admin(client).createTopic({ name: "joined", partitions: 1 });
  const member = new GroupConsumer(client, { groupId: "g" });
  await member.subscribe(["joined"]);
  // The group waits a minute for more members.
  const joining = member.poll(60_000);
  await new Promise(setImmediate);
  const sent = await new Producer(client).send({ topic: "joined", value: "v" });
  expect(sent).toMatchObject({ offset: 0 });
  expect(await new Admin(client).describeTopic("joined")).toMatchObject({ name: "joined" });
  expect(member.assignment).toEqual([]);
  await member.close();
  await joining;
});

test("producers and admins share one connection to a broker", async () => {
  const client = clientOf();
  await new Admin(client).createTopic({ name: "shared", partitions: 1 });
  const topic = await client.topic("shared");
  const leaders = [0, 1].map(() => client.leaderOf(topic, 0));
  const [one, two] = await Promise.all(leaders);
  expect(one).toBe(two);
  expect(await client.connectionTo(topic.partitions[0]!.leader)).toBe(one);
});

test("a connection without requests is closed, and opened again when it is needed", async () => {
  const client = clientOf({ connectionsMaxIdleMs: 30 });
  const admin = new Admin(client);
  await admin.createTopic({ name: "idle", partitions: 1 });
  const connection = await client.leaderOf(await client.topic("idle"), 0);
  while (connection.isOpen) await new Promise(setImmediate);
  expect(await new Producer(client).send({ topic: "idle", value: "v" })).toMatchObject({
    offset: 0,
  });
  expect(await client.leaderOf(await client.topic("idle"), 0)).not.toBe(connection);
});

test("a connection whose request is not answered yet is not idle", async () => {
  const client = clientOf({ connectionsMaxIdleMs: 20 });
  await new Admin(client).createTopic({ name: "slow", partitions: 1 });
  const consumer = new Consumer(client, { maxWaitMs: 150, patienceMs: 0 });
  await consumer.assign([{ topic: "slow", partition: 0, offset: "earliest" }]);
  // With no patience a lost connection would reject.
  expect(await consumer.poll()).toEqual([]);
  consumer.close();
});
