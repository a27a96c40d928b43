// What clients may do without an ACL, and which ACLs each API needs.
import { crc32c } from "@tarpan/codecs";
import {
  type AnyApi,
  ConsumerGroupHeartbeat,
  ErrorCode,
  encodeBatch,
  Fetch,
  FindCoordinator,
  ListGroups,
  ListTransactions,
  Metadata,
  rangeOf,
  ZERO_UUID,
} from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { handlers } from "../../src/handlers/index.ts";
import { DENIED } from "../../src/security/permission.ts";
import { batchOf } from "../partition/batches.ts";
import { requestOf } from "./request-of.ts";
import { allow, securedBroker } from "./secured-broker.ts";
import type { WholeBroker } from "./whole-broker.ts";

/** All topics, groups and transactional ids of the requests. */
const NAME = "t";
const SOME_ID = "11111111-2222-3333-4444-555555555555";

/** Every error code in a response. */
function codesIn(value: unknown): number[] {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return [];
  return Object.entries(value).flatMap(([key, part]) => {
    return /errorCode$/i.test(key) ? [part as number] : codesIn(part);
  });
}

/** A broker with a topic `t`, which its client may use as the ACLs say. */
async function brokerWith(acls: readonly string[]): Promise<{ broker: WholeBroker; id: string }> {
  const broker = await securedBroker([], { "offsets.topic.num.partitions": "1" });
  const id = await broker.as("User:admin").createTopic(NAME);
  await broker.call(FindCoordinator, 0, { key: NAME });
  await allow(broker, ...acls);
  return { broker: broker.as("User:a"), id };
}

type Change = (request: Record<string, unknown>) => object;

function asked(api: AnyApi, id: string, change: Change = () => ({})): never {
  const numbers: Record<string, number> = { acks: 1, sessionEpoch: -1, memberEpoch: 1 };
  const request = requestOf(api.request, NAME, (name) => numbers[name] ?? 0) as never;
  // A topic is named either by its name or by its id.
  const byId = JSON.stringify({ ...(request as object), ...change(request) }, (_, value) =>
    typeof value === "bigint" ? Number(value) : value === SOME_ID ? id : value,
  );
  return withoutNumbers(JSON.parse(byId), request) as never;
}

/** Puts back what JSON can't hold. */
function withoutNumbers(value: unknown, like: unknown): unknown {
  if (typeof like === "bigint") return BigInt(value as number);
  if (like instanceof Uint8Array) return like;
  if (Array.isArray(value)) {
    return value.map((one) => withoutNumbers(one, (like as unknown[] | undefined)?.[0]));
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => {
      return [key, withoutNumbers(part, (like as Record<string, unknown> | undefined)?.[key])];
    }),
  );
}

const named: Change = () => ({ topics: [{ name: NAME, topicId: ZERO_UUID }], topicNames: [NAME] });

/** They tell a client which brokers and versions there are, or leave out what it may not see. */
const OPEN = [
  ...["ApiVersions", "DescribeCluster", "ListGroups", "ListTransactions"],
  ...["SaslHandshake", "SaslAuthenticate"],
];

it("a client without an ACL is denied everything, by every version of every API", async () => {
  const codes: number[] = Object.values(DENIED);
  const { broker, id } = await brokerWith([]);
  for (const { api, versions } of handlers) {
    if (OPEN.includes(api.name)) continue;
    const { min, max } = rangeOf(versions);
    for (let version = Math.max(min, api.name === "Produce" ? 3 : 0); version <= max; version++) {
      const change = ["DeleteTopics", "Metadata"].includes(api.name) ? named : undefined;
      const request = asked(api as AnyApi, id, change);
      const found = codesIn(await broker.call(api as AnyApi, version, request));
      const denials = found.filter((code) => codes.includes(code));
      const others = found.filter((code) => code !== 0 && !codes.includes(code));
      // Older versions have no place for an error.
      if (api.name === "DescribeLogDirs" && version < 3) denials.push(found.length);
      expect([denials.length > 0, others], `${api.name} v${version}: ${found}`).toEqual([true, []]);
    }
  }
});

it("what exists is not told to those who may not know: another name gets the same answer", async () => {
  const { broker } = await brokerWith([]);
  for (const { api, versions } of handlers) {
    const { max } = rangeOf(versions);
    const version = { Produce: 12, Fetch: 12, OffsetCommit: 9, OffsetFetch: 9, TxnOffsetCommit: 5 }[
      api.name as string
    ];
    const change = ["DeleteTopics", "Metadata"].includes(api.name) ? named : undefined;
    const request = asked(api as AnyApi, ZERO_UUID, change);
    const other = JSON.parse(JSON.stringify(request, bigints), (_, value) => {
      return value === NAME ? "other" : value;
    });
    const answers = [request, withoutNumbers(other, request) as never].map(async (one) => {
      const text = JSON.stringify(await broker.call(api as AnyApi, version ?? max, one), bigints);
      return text.replaceAll('"other"', `"${NAME}"`);
    });
    const [known, unknown] = await Promise.all(answers);
    expect(known, api.name).toBe(unknown);
  }
});

function bigints(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? Number(value) : value;
}

const { topic, group, cluster, transactionalId } = DENIED;
const onTopic = (operation: string) => [`${operation} topic ${NAME}`, topic] as const;
const onGroup = (operation: string) => [`${operation} group ${NAME}`, group] as const;
const onCluster = (operation: string) => [`${operation} cluster kafka-cluster`, cluster] as const;
const onId = (operation: string) =>
  [`${operation} transactionalId ${NAME}`, transactionalId] as const;

type Need = readonly [acl: string, errorCode: number];

const configs = (type: number, resourceName = NAME): Change => {
  return () => ({
    resources: [{ resourceType: type, resourceName, configurationKeys: [], configs: [] }],
  });
};
const plain: Change = () => ({ transactionalId: null });

/** The ACLs that an API needs, and the code without each. */
const NEEDS: readonly (readonly [
  api: string,
  version: number,
  needs: readonly Need[],
  change?: Change,
])[] = [
  ["Produce", 9, [onTopic("write")], plain],
  ["Produce", 13, [onTopic("write"), onId("write")]],
  ["Fetch", 12, [onTopic("read")]],
  ["Fetch", 18, [onTopic("read")]],
  ["ListOffsets", 11, [onTopic("describe")]],
  ["Metadata", 12, [onTopic("describe")], named],
  ["OffsetCommit", 9, [onGroup("read"), onTopic("read")]],
  ["OffsetCommit", 10, [onGroup("read"), onTopic("read")]],
  ["OffsetFetch", 8, [onGroup("describe"), onTopic("describe")]],
  ["OffsetFetch", 10, [onGroup("describe"), onTopic("describe")]],
  ["FindCoordinator", 0, [onGroup("describe")]],
  ["FindCoordinator", 6, [onGroup("describe")]],
  ["FindCoordinator", 6, [onId("describe")], () => ({ keyType: 1 })],
  ["JoinGroup", 9, [onGroup("read")]],
  ["Heartbeat", 4, [onGroup("read")]],
  ["LeaveGroup", 5, [onGroup("read")]],
  ["SyncGroup", 5, [onGroup("read")]],
  ["DescribeGroups", 6, [onGroup("describe")]],
  ["CreateTopics", 7, [onTopic("create"), onTopic("describeConfigs")], newTopic],
  [
    "CreateTopics",
    7,
    [["create cluster kafka-cluster", topic], onTopic("describeConfigs")],
    newTopic,
  ],
  ["DeleteTopics", 5, [onTopic("delete")]],
  ["DeleteTopics", 6, [onTopic("delete")], () => ({ topics: [{ name: null, topicId: SOME_ID }] })],
  ["DeleteTopics", 5, [["delete cluster kafka-cluster", topic]]],
  ["DeleteRecords", 2, [onTopic("delete")]],
  ["InitProducerId", 5, [onId("write")]],
  ["InitProducerId", 5, [onCluster("idempotentWrite")], plain],
  ["InitProducerId", 5, [["write topic other", cluster]], plain],
  ["OffsetForLeaderEpoch", 4, [onTopic("describe")]],
  ["OffsetForLeaderEpoch", 4, [["clusterAction cluster kafka-cluster", topic]]],
  ["AddPartitionsToTxn", 3, [onId("write"), onTopic("write")]],
  ["AddPartitionsToTxn", 5, [onCluster("clusterAction")]],
  ["AddOffsetsToTxn", 4, [onId("write"), onGroup("read")]],
  ["EndTxn", 5, [onId("write")]],
  ["WriteTxnMarkers", 1, [onCluster("alter")]],
  ["WriteTxnMarkers", 1, [onCluster("clusterAction")]],
  ["TxnOffsetCommit", 5, [onId("write"), onGroup("read"), onTopic("read")]],
  ["TxnOffsetCommit", 6, [onId("write"), onGroup("read"), onTopic("read")]],
  ["DescribeConfigs", 4, [onTopic("describeConfigs")], configs(2)],
  ["DescribeConfigs", 4, [onGroup("describeConfigs")], configs(32)],
  ["DescribeConfigs", 4, [onCluster("describeConfigs")], configs(4, "1")],
  ["DescribeConfigs", 4, [onCluster("describeConfigs")], configs(8, "1")],
  ["AlterConfigs", 2, [onTopic("alterConfigs")], configs(2)],
  ["AlterConfigs", 2, [onGroup("alterConfigs")], configs(32)],
  ["AlterConfigs", 2, [onCluster("alterConfigs")], configs(4, "1")],
  ["IncrementalAlterConfigs", 1, [onTopic("alterConfigs")], configs(2)],
  ["IncrementalAlterConfigs", 1, [onGroup("alterConfigs")], configs(32)],
  ["IncrementalAlterConfigs", 1, [onCluster("alterConfigs")], configs(4, "1")],
  ["IncrementalAlterConfigs", 1, [onCluster("alterConfigs")], configs(8, "1")],
  ["DescribeLogDirs", 5, [onCluster("describe")]],
  ["CreatePartitions", 3, [onTopic("alter")]],
  ["DeleteGroups", 3, [onGroup("delete")]],
  ["ElectLeaders", 2, [onCluster("alter")]],
  ["AlterPartitionReassignments", 1, [onCluster("alter")]],
  ["ListPartitionReassignments", 0, [onCluster("describe")]],
  ["OffsetDelete", 0, [onGroup("delete")]],
  ["DescribeQuorum", 2, [onCluster("describe")]],
  ["UpdateFeatures", 1, [onCluster("alter")]],
  ["DescribeProducers", 0, [onTopic("read")]],
  ["UnregisterBroker", 0, [onCluster("alter")]],
  ["DescribeTransactions", 0, [onId("describe")]],
  ["ConsumerGroupHeartbeat", 1, [onGroup("read"), onTopic("describe")]],
  ["ConsumerGroupDescribe", 1, [onGroup("describe")]],
  ["ListConfigResources", 1, [onCluster("describeConfigs")]],
  ["DescribeTopicPartitions", 0, [onTopic("describe")], () => ({ cursor: null })],
  ["DescribeAcls", 3, [onCluster("describe")]],
  ["DescribeUserScramCredentials", 0, [onCluster("describe")]],
  ["AlterUserScramCredentials", 0, [onCluster("alter")]],
  ["DescribeClientQuotas", 1, [onCluster("describeConfigs")]],
  ["AlterClientQuotas", 1, [onCluster("alterConfigs")]],
  ["CreateAcls", 3, [onCluster("alter")]],
  ["DeleteAcls", 3, [onCluster("alter")]],
];

/** The topic exists already: its name is not free. */
function newTopic(request: Record<string, unknown>): object {
  const { topics } = request as { topics: object[] };
  const one = {
    ...topics[0]!,
    name: "u",
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  };
  return { topics: [one] };
}

describe("an API", () => {
  it.each(NEEDS.map((row) => [row[0], row[1], row] as const))(
    "%s v%i is served with the ACLs it needs, and with no fewer",
    async (_name, _version, row) => {
      const [name, version, needs, change] = row;
      const api = handlers.find((one) => one.api.name === name)!.api as AnyApi;
      const denials: number[] = Object.values(DENIED);
      const call = async (acls: readonly Need[]) => {
        const texts = acls.map(([acl]) => `allow User:a ${acl}`);
        const own =
          change === newTopic ? texts.map((text) => text.replace(/topic t$/, "topic u")) : texts;
        const { broker, id } = await brokerWith(own);
        const answer = await broker.call(api, version, asked(api, id, change));
        return codesIn(answer).filter((code) => denials.includes(code));
      };
      expect(await call(needs)).toEqual([]);
      for (const missing of needs) {
        const codes = await call(needs.filter((need) => need !== missing));
        expect([...new Set(codes)], missing[0]).toEqual([missing[1]]);
      }
    },
  );

  it("is in the list above, if it needs an ACL", () => {
    const listed = new Set(NEEDS.map(([name]) => name));
    const missing = handlers.map(({ api }) => api.name).filter((name) => !listed.has(name));
    expect(missing.sort()).toEqual([...OPEN].sort());
  });
});

describe("an answer leaves out what the client may not see", () => {
  it("Metadata of all topics", async () => {
    const { broker } = await brokerWith(["allow User:a read topic other"]);
    await broker.as("User:admin").createTopic("other");
    const { topics } = await broker.as("User:a").call(Metadata, 12, {
      ...{ topics: null, allowAutoTopicCreation: false },
      ...{ includeTopicAuthorizedOperations: true },
    });
    // Read and describe, which it implies.
    const operations = (1 << 3) | (1 << 8);
    expect(topics).toMatchObject([
      { name: "other", errorCode: 0, topicAuthorizedOperations: operations },
    ]);
  });

  it("ListGroups and ListTransactions", async () => {
    const { broker } = await brokerWith([]);
    const groups = { statesFilter: [], typesFilter: [] };
    expect((await broker.call(ListGroups, 5, groups)).groups).toEqual([]);
    const { transactionStates } = await broker.call(ListTransactions, 2, {
      ...{ stateFilters: [], producerIdFilters: [], durationFilter: -1n },
      transactionalIdPattern: null,
    });
    expect(transactionStates).toEqual([]);
  });
});

it("a topic is created automatically only for those who may create it", async () => {
  const { broker } = await brokerWith(["allow User:a describe topic *"]);
  const named = (name: string) => ({
    ...{ topics: [{ name, topicId: ZERO_UUID }], allowAutoTopicCreation: true },
  });
  const codeOf = async (name: string) =>
    (await broker.call(Metadata, 12, named(name))).topics[0]!.errorCode;
  expect(await codeOf("new")).toBe(ErrorCode.TOPIC_AUTHORIZATION_FAILED);
  expect(broker.metadata.image.topics.has("new")).toBe(false);
  await allow(broker, "allow User:a create topic new");
  expect(await codeOf("new")).toBe(0);
  await allow(broker, "allow User:a create cluster kafka-cluster");
  expect(await codeOf("newer")).toBe(0);
});

it("who delays a message needs to write to its target, too", async () => {
  const { broker } = await brokerWith(["allow User:a write topic __delayed"]);
  await broker.as("User:admin").call(Metadata, 12, {
    ...{ topics: [{ name: "__delayed", topicId: ZERO_UUID }], allowAutoTopicCreation: true },
  });
  broker.as("User:a");
  const text = new TextEncoder();
  const headers = { "tarpan-topic": NAME, "tarpan-delay": "10s" };
  const record = {
    ...{ key: text.encode("id"), value: text.encode("v"), timestamp: broker.time.wallMs() },
    headers: Object.entries(headers).map(([key, value]) => ({ key, value: text.encode(value) })),
  };
  const send = () => broker.produce("__delayed", encodeBatch([record], { crc32c }));
  const denied = await send();
  expect(denied.errorCode).toBe(ErrorCode.TOPIC_AUTHORIZATION_FAILED);
  expect(denied.errorMessage).toContain("may not write to its");
  await allow(broker, `allow User:a write topic ${NAME}`);
  expect((await send()).errorCode).toBe(0);
});

it("a consumer that is no longer allowed to read gets no more records", async () => {
  const { broker } = await brokerWith(["allow User:a read topic t"]);
  await broker.as("User:admin").produceRecords(NAME, 1);
  const partition = { partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000 };
  const fetch = async () => {
    const { responses } = await broker.as("User:a").call(Fetch, 12, {
      ...{ maxWaitMs: 0, minBytes: 1, topics: [{ topic: NAME, partitions: [partition] }] },
      forgottenTopicsData: [],
    });
    return responses[0]!.partitions[0]!;
  };
  expect((await fetch()).records!.length).toBeGreaterThan(0);
  await allow(broker, "deny User:* read topic *");
  const { errorCode, records } = await fetch();
  expect([errorCode, records?.length]).toEqual([ErrorCode.TOPIC_AUTHORIZATION_FAILED, 0]);
});

it("a transactional batch needs a transactional id, which the client may use", async () => {
  const { broker } = await brokerWith(["allow User:a write topic t"]);
  const producer = { producerId: 7, producerEpoch: 0, baseSequence: 0, transactional: true };
  const { TRANSACTIONAL_ID_AUTHORIZATION_FAILED } = ErrorCode;
  const { errorCode } = await broker.produce(NAME, batchOf(1, producer));
  expect(errorCode).toBe(TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
});

it("a regular expression is resolved to topics that the member may describe", async () => {
  const { broker } = await brokerWith(["allow User:a read group g", "allow User:a read topic ok*"]);
  const { metadata } = broker;
  broker.as("User:admin");
  for (const name of ["ok-1", "secret-1"]) await broker.createTopic(name);
  const member = { groupId: "g", memberId: "m", topicPartitions: [] };
  const beat = (memberEpoch: number, subscribedTopicRegex: string | null) =>
    broker.as("User:a").call(ConsumerGroupHeartbeat, 1, {
      ...{ ...member, memberEpoch, subscribedTopicRegex },
      rebalanceTimeoutMs: memberEpoch === 0 ? 60_000 : -1,
    });
  const named = (assignment: { topicPartitions: { topicId: string }[] } | null) =>
    assignment?.topicPartitions.map(({ topicId }) => metadata.image.topicsById.get(topicId)?.name);
  const joined = await beat(0, ".*-[0-9]");
  expect([joined.errorCode, named(joined.assignment)]).toEqual([0, ["ok-1"]]);
  broker.as("User:admin");
  for (const name of ["secret-2", "ok-2"]) await broker.createTopic(name);
  const later = await beat(joined.memberEpoch, null);
  expect(named(later.assignment)?.sort()).toEqual(["ok-1", "ok-2"]);
});
