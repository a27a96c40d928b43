// The admin client's groups against a real broker, embedded and in memory.
import { Broker } from "@tarpan/broker";
import { ConsumerGroupHeartbeat } from "@tarpan/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Admin, Client, Producer } from "../src/index.ts";

let broker: Broker;
let client: Client;
let admin: Admin;

beforeAll(async () => {
  broker = await Broker.start();
  client = new Client({ bootstrap: broker.bootstrap, timeoutMs: 10_000 });
  admin = new Admin(client);
  await admin.createTopic({ name: "t", partitions: 2 });
  const producer = new Producer(client);
  for (const value of ["a", "b", "c"]) await producer.send({ topic: "t", partition: 1, value });
  await producer.close();
});

afterAll(async () => {
  await client.close();
  await broker.stop();
});

const at = (partition: number, offset: number) => ({ topic: "t", partition, offset });

test("offsets are committed, read and deleted", async () => {
  expect(await admin.groupOffsets("offsets")).toEqual([]);
  await admin.alterGroupOffsets("offsets", [{ ...at(1, 2), metadata: "note" }, at(0, 0)]);
  expect(await admin.groupOffsets("offsets")).toEqual([
    { ...at(0, 0), metadata: "" },
    { ...at(1, 2), metadata: "note" },
  ]);
  await admin.deleteGroupOffsets("offsets", [{ topic: "t", partition: 0 }]);
  expect(await admin.groupOffsets("offsets")).toEqual([{ ...at(1, 2), metadata: "note" }]);
});

test("a failed commit names the partition", async () => {
  await expect(admin.alterGroupOffsets("bad", [at(0, 0), at(9, 0)])).rejects.toMatchObject({
    kafkaName: "UNKNOWN_TOPIC_OR_PARTITION",
    message: expect.stringContaining("offset of group bad in t-9"),
  });
});

test("groups are listed by state and type, and deleted", async () => {
  await admin.alterGroupOffsets("list-2", [at(0, 0)]);
  await admin.alterGroupOffsets("list-1", [at(0, 0)]);
  const named = async (filter = {}) =>
    (await admin.listGroups(filter))
      .map(({ groupId }) => groupId)
      .filter((groupId) => groupId.startsWith("list-"));
  expect(await named()).toEqual(["list-1", "list-2"]);
  expect(await named({ states: ["Empty"], types: ["classic"] })).toEqual(["list-1", "list-2"]);
  expect(await named({ states: ["Stable"] })).toEqual([]);
  expect(await named({ types: ["consumer"] })).toEqual([]);
  await admin.deleteGroups(["list-1"]);
  expect(await named()).toEqual(["list-2"]);
  for (const asked of [
    admin.deleteGroups(["list-1"]),
    admin.describeGroup("list-1"),
    admin.groupLag("list-1"),
  ])
    await expect(asked).rejects.toMatchObject({ kafkaName: "GROUP_ID_NOT_FOUND" });
});

test("a group of the consumer protocol", async () => {
  const connection = await client.anyConnection();
  const heartbeat = await connection.request(ConsumerGroupHeartbeat, {
    groupId: "new",
    memberId: "member-1",
    memberEpoch: 0,
    rebalanceTimeoutMs: 60_000,
    subscribedTopicNames: ["t"],
    topicPartitions: [],
  });
  expect(heartbeat.errorCode).toBe(0);
  expect(await admin.listGroups({ types: ["consumer"] })).toMatchObject([
    { groupId: "new", type: "consumer", protocolType: "consumer" },
  ]);
  expect(await admin.describeGroup("new")).toMatchObject({
    type: "consumer",
    assignor: "uniform",
    coordinator: 1,
    members: [
      {
        memberId: "member-1",
        groupInstanceId: null,
        clientId: "tarpan",
        partitions: [
          { topic: "t", partition: 0 },
          { topic: "t", partition: 1 },
        ],
      },
    ],
  });
  const unread = { topic: "t", committed: null, lag: null, memberId: "member-1" };
  expect(await admin.groupLag("new")).toEqual([
    { ...unread, partition: 0, end: 0 },
    { ...unread, partition: 1, end: 3 },
  ]);
  await expect(admin.alterGroupOffsets("new", [at(0, 0)])).rejects.toMatchObject({
    kafkaName: "UNKNOWN_MEMBER_ID",
  });
  await expect(admin.deleteGroups(["new"])).rejects.toMatchObject({ kafkaName: "NON_EMPTY_GROUP" });
  const partition = { topic: "t", partition: 0 };
  await expect(admin.deleteGroupOffsets("new", [partition])).rejects.toMatchObject({
    kafkaName: "GROUP_SUBSCRIBED_TO_TOPIC",
  });
});

test("lag is the number of records after the committed offset", async () => {
  await admin.alterGroupOffsets("lag", [at(1, 1)]);
  expect(await admin.groupLag("lag")).toEqual([
    { topic: "t", partition: 1, committed: 1, end: 3, lag: 2, memberId: null },
  ]);
});
