// New topics and new leaders become known to the brokers at different times.
import {
  type Api,
  DescribeConfigs,
  ErrorCode,
  IncrementalAlterConfigs,
  ListOffsets,
} from "@tarpan/protocol";
import { afterEach, expect, test } from "vitest";
import { Admin } from "../src/index.ts";
import { type Answer, type Offered, scriptedBrokers } from "./scripted-brokers.ts";

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const { UNKNOWN_TOPIC_OR_PARTITION: UNKNOWN, NOT_LEADER_OR_FOLLOWER } = ErrorCode;
const OFFERED: readonly Offered[] = [
  [ListOffsets, 5],
  [DescribeConfigs, 2],
  [IncrementalAlterConfigs, 0],
];

const unknown = { errorCode: UNKNOWN, name: "t", isInternal: false, partitions: [] };
/** Led by broker 2. */
const known = (count = 1) => ({
  errorCode: 0,
  name: "t",
  isInternal: false,
  partitions: Array.from({ length: count }, (_, partitionIndex) => ({
    ...{ errorCode: 0, partitionIndex, leaderId: 2, leaderEpoch: 0 },
    ...{ replicaNodes: [2], isrNodes: [2], offlineReplicas: [] },
  })),
});
const listed = (errorCode: number, offset = -1) => ({
  topics: [
    {
      name: "t",
      partitions: [{ partitionIndex: 0, errorCode, timestamp: -1, offset, leaderEpoch: 0 }],
    },
  ],
});

/** Answers each request with the next of `codes`, and then always with the last. */
function inTurn<T>(values: readonly T[]): () => T {
  const left = [...values];
  return () => (left.length > 1 ? left.shift()! : left[0]!);
}

async function brokers(topicsOf: (nodeId: number) => object, answer: Answer, timeoutMs = 5_000) {
  const scripted = await scriptedBrokers(2, OFFERED, (id) => [topicsOf(id)], answer, timeoutMs);
  closing.push(scripted.close);
  return { ...scripted, admin: new Admin(scripted.client) };
}

const never: Answer = (api: Api) => expect.fail(`asked for ${api.name}`);

test("a leader that does not lead yet, of a topic that one broker does not know yet", async () => {
  const code = inTurn([NOT_LEADER_OR_FOLLOWER, UNKNOWN, ErrorCode.KAFKA_STORAGE_ERROR, 0]);
  const { admin, asked } = await brokers(
    (nodeId) => (nodeId === 1 ? unknown : known()),
    () => {
      const errorCode = code();
      return listed(errorCode, errorCode === 0 ? 7 : -1);
    },
  );
  expect(await admin.offset({ topic: "t", partition: 0 }, "latest")).toBe(7);
  expect(asked).toEqual(Array(4).fill({ name: "ListOffsets", nodeId: 2 }));
});

test("rejects at once for a topic that no broker knows", async () => {
  const { admin } = await brokers(() => unknown, never);
  const failed = admin.offset({ topic: "t", partition: 0 }, "latest");
  await expect(failed).rejects.toMatchObject({ code: "TARPAN_UNKNOWN_TOPIC" });
});

test("a topic that grew: finds a partition that the cached metadata lacks", async () => {
  const partitions = inTurn([1, 1, 2]);
  const { client } = await brokers((nodeId) => known(nodeId === 1 ? 1 : partitions()), never);
  const leader = async (partition: number) =>
    (await client.leaderOf(await client.topic("t"), partition)).port;
  const port = await leader(0);
  await expect(leader(1)).rejects.toMatchObject({ code: "TARPAN_UNKNOWN_PARTITION" });
  await expect(leader(1)).rejects.toMatchObject({ code: "TARPAN_UNKNOWN_PARTITION" });
  expect(await leader(1)).toBe(port);
});

test("a leader that never leads: rejects at the time-out, with the cause", async () => {
  const { admin } = await brokers(
    () => known(),
    () => listed(NOT_LEADER_OR_FOLLOWER),
    200,
  );
  await expect(admin.offset({ topic: "t", partition: 0 }, "latest")).rejects.toMatchObject({
    code: "TARPAN_TIMEOUT",
    message: expect.stringContaining("NOT_LEADER_OR_FOLLOWER"),
  });
});

const resource = { type: "topic", name: "t" } as const;
const failed = (errorCode: number) => ({
  ...{ errorCode, errorMessage: null, resourceType: 2, resourceName: "t" },
});

test("configs are asked from a broker that knows the topic, and retried while it can't answer", async () => {
  const code = inTurn([ErrorCode.REQUEST_TIMED_OUT, 0]);
  const { admin, asked } = await brokers(
    () => known(),
    (_api, nodeId) => ({
      results: [{ ...failed(nodeId === 1 ? UNKNOWN : code()), configs: [] }],
    }),
  );
  expect(await admin.describeConfigs(resource)).toEqual([]);
  expect(asked.filter(({ nodeId }) => nodeId === 2)).toHaveLength(2);
});

test("configs: rejects at once for an unknown topic, and retries other errors", async () => {
  const code = inTurn([ErrorCode.NOT_CONTROLLER, ErrorCode.REQUEST_TIMED_OUT, UNKNOWN]);
  const { admin, asked } = await brokers(
    () => known(),
    (api) =>
      api === DescribeConfigs
        ? { results: [{ ...failed(UNKNOWN), configs: [] }] }
        : { responses: [failed(code())] },
  );
  const kafkaName = "UNKNOWN_TOPIC_OR_PARTITION";
  await expect(admin.describeConfigs(resource)).rejects.toMatchObject({ kafkaName });
  await expect(admin.alterConfigs(resource, { a: "1" })).rejects.toMatchObject({ kafkaName });
  expect(asked.filter(({ name }) => name === "IncrementalAlterConfigs")).toHaveLength(3);
});
