import {
  CreatePartitions,
  CreateTopics,
  DeleteRecords,
  DeleteTopics,
  DescribeConfigs,
  ErrorCode,
  FindCoordinator,
  IncrementalAlterConfigs,
  Metadata,
  type RequestInput,
} from "@tarpan/protocol";
import { afterAll, beforeAll, expect, it } from "vitest";
import { useBroker } from "../harness/broker-process.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { createTopic, produce, textBatch } from "../harness/records.ts";

const broker = useBroker();
let connection: RawConnection;

beforeAll(async () => {
  connection = await RawConnection.open(broker.port);
  await createTopic(connection, "existing", { partitions: 2 });
});

afterAll(() => connection.close());

type NewTopic = RequestInput<typeof CreateTopics>["topics"][number];
const topic = (name: string, rest: Partial<NewTopic> = {}): NewTopic => {
  const plain = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
  return { name, ...plain, ...rest };
};
const assigned = (...brokerIds: number[]) => ({
  numPartitions: -1,
  replicationFactor: -1,
  assignments: [{ partitionIndex: 0, brokerIds }],
});
const configured = (name: string, value: string) => ({ configs: [{ name, value }] });
const TOO_LONG = "x".repeat(250);

const REFUSED: readonly [what: string, topic: NewTopic, code: number][] = [
  ["a topic that exists", topic("existing"), ErrorCode.TOPIC_ALREADY_EXISTS],
  ["no partitions", topic("new", { numPartitions: 0 }), ErrorCode.INVALID_PARTITIONS],
  ["partitions below -1", topic("new", { numPartitions: -2 }), ErrorCode.INVALID_PARTITIONS],
  ["no replicas", topic("new", { replicationFactor: 0 }), ErrorCode.INVALID_REPLICATION_FACTOR],
  ["three replicas", topic("new", { replicationFactor: 3 }), ErrorCode.INVALID_REPLICATION_FACTOR],
  ["an unknown broker", topic("new", assigned(4711)), ErrorCode.INVALID_REPLICA_ASSIGNMENT],
  ["an empty assignment", topic("new", assigned()), ErrorCode.INVALID_REPLICA_ASSIGNMENT],
  ["an unknown config", topic("new", configured("no.such", "1")), ErrorCode.INVALID_CONFIG],
  ["a bad value", topic("new", configured("retention.ms", "soon")), ErrorCode.INVALID_CONFIG],
  ["an empty name", topic(""), ErrorCode.INVALID_TOPIC_EXCEPTION],
  ["a name of dots", topic(".."), ErrorCode.INVALID_TOPIC_EXCEPTION],
  ["a name with a slash", topic("a/b"), ErrorCode.INVALID_TOPIC_EXCEPTION],
  ["a name over 249 characters", topic(TOO_LONG), ErrorCode.INVALID_TOPIC_EXCEPTION],
  ["both a count and an assignment", topic("new", { ...assigned(0), numPartitions: 1 }), 42],
];

const create = async (...topics: NewTopic[]) => {
  const body = { topics, timeoutMs: 10_000, validateOnly: false };
  const { topics: answers } = await connection.request(CreateTopics, 7, body);
  return answers.map(({ errorCode }) => errorCode);
};

for (const [what, wanted, code] of REFUSED) {
  it(`CreateTopics answers ${what} with ${code}`, async () => {
    expect(await create(wanted)).toEqual([code]);
  });
}

it("CreateTopics answers a topic named twice with 42, and creates the others", async () => {
  const codes = await create(topic("twice"), topic("once"), topic("twice"));
  // Like Kafka, it answers a duplicate name only once.
  expect(codes.filter((code) => code === ErrorCode.INVALID_REQUEST).length).toBeGreaterThan(0);
  expect(codes).toContain(ErrorCode.NONE);
  expect(await metadataCode("twice")).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  expect(await metadataCode("once")).toBe(ErrorCode.NONE);
});

const metadataCode = async (name: string, allowAutoTopicCreation = false) => {
  const body = { topics: [{ name }], allowAutoTopicCreation };
  return (await connection.request(Metadata, 12, body)).topics[0]!.errorCode;
};

it("Metadata answers unknown names with 3, bad names with 17, unknown ids with 100", async () => {
  expect(await metadataCode("nobody-made-this")).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  expect(await metadataCode("bad name", true)).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION);
  const topicId = "ffffffff-0000-4000-8000-000000000000";
  const { topics } = await connection.request(Metadata, 12, { topics: [{ topicId, name: null }] });
  expect(topics[0]!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_ID);
});

it("DeleteTopics answers unknown names with 3 and unknown ids with 100", async () => {
  const topicId = "ffffffff-0000-4000-8000-000000000000";
  const topics = [{ name: "nobody-made-this" }, { name: null, topicId }];
  const byName = topics.map((each) => ({ topicId: ZERO, ...each }));
  const { responses } = await connection.request(DeleteTopics, 6, { topics: byName, timeoutMs: 1 });
  expect(responses.map(({ errorCode }) => errorCode).sort()).toEqual([100, 3]);
});
const ZERO = "00000000-0000-0000-0000-000000000000";

it("CreatePartitions answers a count that does not grow with 37, unknown topics with 3", async () => {
  const asked = [
    { name: "existing", count: 2, assignments: null },
    { name: "nobody-made-this", count: 5, assignments: null },
  ];
  const body = { topics: asked, timeoutMs: 10_000, validateOnly: false };
  const { results } = await connection.request(CreatePartitions, 3, body);
  const codes = Object.fromEntries(results.map(({ name, errorCode }) => [name, errorCode]));
  expect(codes).toEqual({ existing: ErrorCode.INVALID_PARTITIONS, "nobody-made-this": 3 });
});

it("configs: answers unknown topics with 3, bad names and values with 40", async () => {
  const described = await connection.request(DescribeConfigs, 4, {
    resources: [{ resourceType: 2, resourceName: "nobody-made-this", configurationKeys: null }],
  });
  expect(described.results[0]!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  const alter = async (resourceName: string, name: string, value: string) => {
    const configs = [{ name, configOperation: 0, value }];
    const resources = [{ resourceType: 2, resourceName, configs }];
    const body = { resources, validateOnly: false };
    return (await connection.request(IncrementalAlterConfigs, 1, body)).responses[0]!.errorCode;
  };
  expect(await alter("existing", "no.such", "1")).toBe(ErrorCode.INVALID_CONFIG);
  expect(await alter("existing", "retention.ms", "soon")).toBe(ErrorCode.INVALID_CONFIG);
  expect(await alter("nobody-made-this", "retention.ms", "1")).toBe(3);
});

it("DeleteRecords answers an offset after the end with 1, unknown partitions with 3", async () => {
  await produce(connection, "existing", textBatch("one"));
  const partitions = [
    { partitionIndex: 0, offset: 2 },
    { partitionIndex: 9, offset: 0 },
  ];
  const body = { topics: [{ name: "existing", partitions }], timeoutMs: 1000 };
  const { topics } = await connection.request(DeleteRecords, 2, body);
  const codes = topics[0]!.partitions.map(({ errorCode }) => errorCode);
  expect(codes).toEqual([ErrorCode.OFFSET_OUT_OF_RANGE, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
});

it("FindCoordinator names this broker for transactions, which refuses them", async () => {
  const body = { keyType: 1, coordinatorKeys: ["some transactional id"] };
  const { coordinators } = await connection.request(FindCoordinator, 4, body);
  expect(coordinators[0]).toMatchObject({ errorCode: ErrorCode.NONE, port: broker.port });
});
