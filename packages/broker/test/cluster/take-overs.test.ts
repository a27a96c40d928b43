// A client that was just told a partition's leader asks that broker, which may not have read yet
// that it is the leader.
import {
  DeleteRecords,
  DescribeConfigs,
  DescribeTopicPartitions,
  ErrorCode,
  Fetch,
  FindCoordinator,
  Heartbeat,
  JoinGroup,
  ListGroups,
  ListOffsets,
  Metadata,
  OffsetForLeaderEpoch,
  Produce,
} from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { METADATA_END_TIMEOUT_MS } from "../../src/cluster/limits.ts";
import { ResourceType } from "../../src/config/kafka/set-configs.ts";
import { COORDINATOR_WAIT_MS } from "../../src/coordinator/limits.ts";
import { CONSUMER_OFFSETS_TOPIC } from "../../src/metadata/topic-names.ts";
import { TAKE_OVER_WAIT_MS } from "../../src/partition/limits.ts";
import { batchOf } from "../log/batches.ts";
import type { ClusterWorld } from "./cluster-world.ts";
import { call, create, settledWorld } from "./requests.ts";
import type { SimulatedBroker } from "./simulated-broker.ts";

const LATEST = -1n;

describe("the leader of a partition", () => {
  it("serves requests that arrive before it has taken the partition over", async () => {
    const world = await settledWorld();
    for (const [at, ask] of [listOffsets, endOfEpoch, deleteRecords, fetch, produce].entries()) {
      const topic = `topic-${at}`;
      await create(world, topic, 3, 3);
      const asked = leadersOf(world, topic).map((leader, index) => ask(leader, topic, index));
      expect([ask.name, await world.run(Promise.all(asked))]).toEqual([ask.name, [0, 0, 0]]);
    }
    world.check();
  });

  it("does so too when it has not yet read that the partition exists", async () => {
    const world = await settledWorld();
    for (const [at, ask] of [listOffsets, endOfEpoch, deleteRecords, fetch, produce].entries()) {
      const topic = `topic-${at}`;
      const late = world.bystander;
      late.life!.link.cut = true;
      await create(world, topic, 3, 3, world.controller);
      const index = leadersOf(world, topic).indexOf(late);
      expect(late.member.metadata.image.topics.has(topic)).toBe(false);
      const answer = ask(late, topic, index);
      await world.pass(TAKE_OVER_WAIT_MS / 4);
      late.life!.link.cut = false;
      expect([ask.name, await world.run(answer)]).toEqual([ask.name, ErrorCode.NONE]);
      await world.settled();
    }
  });

  it("describes a topic that it has not yet read of", async () => {
    const world = await settledWorld();
    for (const [at, ask] of [metadata, topicPartitions, topicConfigs].entries()) {
      const topic = `topic-${at}`;
      const late = world.bystander;
      late.life!.link.cut = true;
      await create(world, topic, 1, 3, world.controller);
      const answer = ask(late, topic);
      await world.pass(TAKE_OVER_WAIT_MS / 4);
      late.life!.link.cut = false;
      expect([ask.name, await world.run(answer)]).toEqual([ask.name, ErrorCode.NONE]);
      await world.settled();
    }
  });

  it("lets requests wait briefly, and hardly at all for an unknown topic", async () => {
    const world = await settledWorld();
    const late = world.bystander;
    const sinceMs = world.time.monotonicMs();
    const { UNKNOWN_TOPIC_OR_PARTITION } = ErrorCode;
    expect(await world.run(listOffsets(late, "nowhere", 0))).toBe(UNKNOWN_TOPIC_OR_PARTITION);
    // The controller is asked only once.
    expect(world.time.monotonicMs() - sinceMs).toBeLessThan(20);
    world.network.fateOf = () => "lost";
    expect(await world.run(listOffsets(late, "nowhere", 0))).toBe(UNKNOWN_TOPIC_OR_PARTITION);
    expect(world.time.monotonicMs() - sinceMs).toBeLessThan(METADATA_END_TIMEOUT_MS + 40);
    world.network.fateOf = () => "fine";
    late.life!.link.cut = true;
    await create(world, "orders", 3, 3, world.controller);
    const index = leadersOf(world, "orders").indexOf(late);
    const askedMs = world.time.monotonicMs();
    for (const ask of [listOffsets, produce, fetch]) {
      expect(await world.run(ask(late, "orders", index))).toBe(UNKNOWN_TOPIC_OR_PARTITION);
    }
    const tookMs = world.time.monotonicMs() - askedMs;
    expect(tookMs).toBeLessThan(3 * TAKE_OVER_WAIT_MS + 100);
  });

  it("appends waiting batches in their order, and before those that arrive later", async () => {
    const world = await settledWorld();
    await create(world, "orders", 1, 3);
    const [leader] = leadersOf(world, "orders") as [SimulatedBroker];
    const offsets: Promise<number>[] = [];
    const send = () => offsets.push(appended(leader, "orders", 10 + offsets.length));
    send();
    send();
    await world.until("it leads", () => {
      const isOpen = leader.partition("orders") !== null;
      if (!isOpen) send();
      return isOpen;
    });
    send();
    expect(offsets.length).toBeGreaterThan(3);
    const expected = offsets.map((_, at) => at);
    expect(await world.run(Promise.all(offsets))).toEqual(expected);
  });
});

describe("the coordinator of a group", () => {
  it("accepts the first member of a new cluster", async () => {
    const world = await settledWorld();
    Object.assign(world.kafkaConfigs, { "offsets.topic.num.partitions": "3" });
    for (const groupId of ["a", "b", "c"]) {
      const coordinator = await coordinatorOf(world, groupId);
      const joined = await world.run(join(coordinator, groupId));
      expect([groupId, joined]).toEqual([groupId, ErrorCode.MEMBER_ID_REQUIRED]);
      const { errorCode } = await world.run(call(coordinator, ListGroups, 4, {}));
      expect(errorCode).toBe(ErrorCode.NONE);
    }
    world.check();
  });

  it("begins waiting requests in their order, and lets them wait briefly", async () => {
    const world = await settledWorld();
    const former = await coordinatorOf(world, "a");
    await world.settled();
    former.kill();
    const next = () =>
      world.serving.find(({ id, life }) => life!.groups!.coordinatorOf("a") === id);
    await world.until("another is named", () => next() !== undefined);
    const coordinator = next()!;
    const groups = coordinator.life!.groups!;
    const begun: number[] = [];
    // The election takes longer than any request waits.
    for (const stream of world.model.streams.values()) {
      if (!JSON.stringify(stream.config).includes(`"${CONSUMER_OFFSETS_TOPIC}"`)) continue;
      world.model.elect(stream, 3 * COORDINATOR_WAIT_MS, 0);
    }
    const begin = (at: number) =>
      groups.run<number>("a", (turn, reply) => {
        begun.push(at);
        turn.reply(reply, at);
      });
    const askedMs = world.time.monotonicMs();
    expect(await call(coordinator, Heartbeat, 4, member("a"))).toMatchObject({ errorCode: 0 });
    expect(world.time.monotonicMs()).toBe(askedMs);
    await expect(world.run(begin(0))).rejects.toMatchObject({
      errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    });
    expect(world.time.monotonicMs() - askedMs).toBeLessThan(COORDINATOR_WAIT_MS + 50);
    // All groups or none: groups of other shards are not listed alone.
    const { errorCode } = await world.run(call(coordinator, ListGroups, 4, {}));
    expect(errorCode).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    const asked: Promise<unknown>[] = [];
    await world.until("it has loaded", () => {
      asked.push(begin(asked.length + 1).catch(() => asked.length));
      return begun.length > 0;
    });
    expect(begun.length).toBeGreaterThan(3);
    expect(begun).toEqual(begun.map((_, at) => begun[0]! + at));
    await world.settled();
    world.check();
  });
});

/** The leaders of a topic's partitions in the controller's metadata. */
function leadersOf(world: ClusterWorld, topic: string): SimulatedBroker[] {
  const { partitions } = world.controller.member.metadata.image.topics.get(topic)!;
  return partitions.map(({ leader }) => world.broker(leader));
}

async function listOffsets(broker: SimulatedBroker, name: string, index: number) {
  const partition = { partitionIndex: index, currentLeaderEpoch: 0, timestamp: LATEST };
  const topics = [{ name, partitions: [partition] }];
  const answer = await call(broker, ListOffsets, 4, { replicaId: -1, topics });
  return answer.topics[0]!.partitions[0]!.errorCode;
}

async function endOfEpoch(broker: SimulatedBroker, topic: string, partition: number) {
  const partitions = [{ partition, currentLeaderEpoch: 0, leaderEpoch: 0 }];
  const topics = [{ topic, partitions }];
  const answer = await call(broker, OffsetForLeaderEpoch, 3, { replicaId: -1, topics });
  return answer.topics[0]!.partitions[0]!.errorCode;
}

async function deleteRecords(broker: SimulatedBroker, name: string, partitionIndex: number) {
  const topics = [{ name, partitions: [{ partitionIndex, offset: 0 }] }];
  const answer = await call(broker, DeleteRecords, 1, { topics, timeoutMs: 10_000 });
  return answer.topics[0]!.partitions[0]!.errorCode;
}

async function fetch(broker: SimulatedBroker, topic: string, partition: number) {
  const partitions = [{ partition, currentLeaderEpoch: 0, fetchOffset: 0, partitionMaxBytes: 100 }];
  const topics = [{ topic, partitions }];
  const wait = { maxWaitMs: TAKE_OVER_WAIT_MS, minBytes: 1, maxBytes: 100 };
  const answer = await call(broker, Fetch, 9, { ...wait, topics });
  return answer.responses[0]!.partitions[0]!.errorCode;
}

async function produce(broker: SimulatedBroker, name: string, index: number) {
  const { responses } = await call(broker, Produce, 9, batchFor(name, index, 1));
  return responses[0]!.partitionResponses[0]!.errorCode;
}

async function appended(broker: SimulatedBroker, name: string, id: number): Promise<number> {
  const { responses } = await call(broker, Produce, 9, batchFor(name, 0, id));
  return responses[0]!.partitionResponses[0]!.baseOffset;
}

function batchFor(name: string, index: number, id: number) {
  const partitionData = [{ index, records: batchOf(id) }];
  return { acks: -1, timeoutMs: 10_000, topicData: [{ name, partitionData }] };
}

async function metadata(broker: SimulatedBroker, name: string) {
  const { topics } = await call(broker, Metadata, 8, { topics: [{ name }] });
  return topics[0]!.errorCode;
}

async function topicPartitions(broker: SimulatedBroker, name: string) {
  const asked = { topics: [{ name }], responsePartitionLimit: 10, cursor: null };
  return (await call(broker, DescribeTopicPartitions, 0, asked)).topics[0]!.errorCode;
}

async function topicConfigs(broker: SimulatedBroker, resourceName: string) {
  const resources = [{ resourceType: ResourceType.topic, resourceName, configurationKeys: null }];
  return (await call(broker, DescribeConfigs, 1, { resources })).results[0]!.errorCode;
}

async function coordinatorOf(world: ClusterWorld, key: string): Promise<SimulatedBroker> {
  const found = await world.run(call(world.bystander, FindCoordinator, 3, { key, keyType: 0 }));
  expect(found.errorCode).toBe(ErrorCode.NONE);
  return world.broker(found.nodeId);
}

const member = (groupId: string) => ({ groupId, generationId: 1, memberId: "one" });

async function join(broker: SimulatedBroker, groupId: string): Promise<number> {
  const protocols = [{ name: "range", metadata: new Uint8Array(0) }];
  const { errorCode } = await call(broker, JoinGroup, 5, {
    ...{ groupId, memberId: "", protocolType: "consumer", protocols },
    ...{ sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 30_000 },
  });
  return errorCode;
}
