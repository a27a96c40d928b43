import { ErrorCode } from "@tarpan/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { ResourceType } from "../../../src/config/kafka/set-configs.ts";
import { applyMetadata } from "../../../src/metadata/apply.ts";
import { configRecord } from "../../../src/metadata/records.ts";
import {
  ConsumerWorld,
  HEARTBEAT_MS,
  hardState,
  JOINING,
  REBALANCE_MS,
  SESSION_MS,
  topicId,
} from "./world.ts";

const T = topicId("t");
let world: ConsumerWorld;

beforeEach(() => {
  world = new ConsumerWorld();
  world.setTopics({ t: 4 });
});

const owning = (...partitions: number[]) => [{ topicId: T, partitions }];

describe("a member that joins", () => {
  it("is recorded, with the group's epoch, the target and its assignment", () => {
    const { answer, records } = world.beat({ ...JOINING, memberId: "a", rackId: "r" });
    expect(answer).toEqual({
      errorCode: 0,
      memberId: "a",
      memberEpoch: 1,
      heartbeatIntervalMs: HEARTBEAT_MS,
      assignment: { topicPartitions: owning(0, 1, 2, 3) },
    });
    const key = { groupId: "g", memberId: "a" };
    expect(records).toEqual([
      {
        record: "ConsumerGroupMemberMetadata",
        key,
        value: {
          instanceId: null,
          rackId: "r",
          clientId: "client",
          clientHost: "/127.0.0.1",
          subscribedTopicNames: ["t"],
          subscribedTopicRegex: null,
          rebalanceTimeoutMs: REBALANCE_MS,
          serverAssignor: null,
          classicMemberMetadata: null,
        },
      },
      {
        record: "ConsumerGroupMetadata",
        key: { groupId: "g" },
        value: { epoch: 1, metadataHash: expect.any(BigInt) },
      },
      {
        record: "ConsumerGroupTargetAssignmentMember",
        key,
        value: { topicPartitions: owning(0, 1, 2, 3) },
      },
      {
        record: "ConsumerGroupTargetAssignmentMetadata",
        key: { groupId: "g" },
        value: { assignmentEpoch: 1, assignmentTimestamp: world.time.wallMs() },
      },
      {
        record: "ConsumerGroupCurrentMemberAssignment",
        key,
        value: {
          memberEpoch: 1,
          previousMemberEpoch: 0,
          state: 0,
          assignedPartitions: [
            { topicId: T, partitions: [0, 1, 2, 3], assignmentEpochs: [1, 1, 1, 1] },
          ],
          partitionsPendingRevocation: [],
        },
      },
    ]);
    expect(world.group().stateName).toBe("Stable");
  });

  it("gets no assignment in the next heartbeat, and nothing is recorded", () => {
    world.join("a");
    const { answer, records } = world.beat({ memberId: "a", memberEpoch: 1 });
    expect(answer).toMatchObject({ errorCode: 0, memberEpoch: 1, assignment: null });
    expect(records).toEqual([]);
  });

  it("gets its assignment again after a full request", () => {
    world.join("a");
    const full = { ...JOINING, memberId: "a", memberEpoch: 1, topicPartitions: owning(0) };
    const { answer, records } = world.beat(full);
    expect(answer.assignment).toEqual({ topicPartitions: owning(0, 1, 2, 3) });
    expect(records).toEqual([]);
  });

  it("gets an id in version 0, and generates its own from version 1 on", () => {
    const { answer } = world.beat({ ...JOINING, memberId: "" }, 0);
    expect(answer.memberId).toMatch(/^[0-9a-f-]{36}$/);
    expect(world.beat({ ...JOINING, memberId: "" }, 1).answer.errorCode).toBe(42);
  });

  it("waits for a partition until its owner has revoked it", () => {
    world.join("a");
    const joined = world.join("b");
    // No partition is free: b is at the new epoch, with an empty assignment.
    expect(joined).toMatchObject({ memberEpoch: 2, assignment: { topicPartitions: [] } });
    expect(world.group().stateName).toBe("Reconciling");

    // a has to revoke two partitions, and stays at its epoch until it confirms that.
    const told = world.beat({ memberId: "a", memberEpoch: 1 }).answer;
    expect(told).toMatchObject({ memberEpoch: 1, assignment: { topicPartitions: owning(0, 1) } });
    expect(world.beat({ memberId: "b", memberEpoch: 2 }).answer.assignment).toBeNull();
    const still = { memberId: "a", memberEpoch: 1, topicPartitions: owning(0, 1, 3) };
    expect(world.beat(still).answer).toMatchObject({ memberEpoch: 1, assignment: null });
    expect(world.beat({ memberId: "b", memberEpoch: 2 }).answer.assignment).toBeNull();

    const gone = { memberId: "a", memberEpoch: 1, topicPartitions: owning(0, 1) };
    expect(world.beat(gone).answer).toMatchObject({ memberEpoch: 2, assignment: null });
    expect(world.beat({ memberId: "b", memberEpoch: 2 }).answer).toMatchObject({
      memberEpoch: 2,
      assignment: { topicPartitions: owning(2, 3) },
    });
    expect(world.group().stateName).toBe("Stable");
  });

  it("may send its previous epoch, if it owns no more than it is assigned", () => {
    world.join("a");
    world.join("b");
    world.beat({ memberId: "a", memberEpoch: 1 });
    world.beat({ memberId: "a", memberEpoch: 1, topicPartitions: owning(0, 1) });
    const again = { memberId: "a", memberEpoch: 1, topicPartitions: owning(0, 1) };
    expect(world.beat(again).answer).toMatchObject({ errorCode: 0, memberEpoch: 2 });
    const more = { memberId: "a", memberEpoch: 1, topicPartitions: owning(0, 1, 2) };
    expect(world.beat(more).answer.errorCode).toBe(ErrorCode.FENCED_MEMBER_EPOCH);
    expect(world.beat({ memberId: "a", memberEpoch: 1 }).answer.errorCode).toBe(110);
    expect(world.beat({ memberId: "a", memberEpoch: 9 }).answer.errorCode).toBe(110);
  });

  it("may subscribe to no topics", () => {
    const { answer } = world.beat({ ...JOINING, memberId: "a", subscribedTopicNames: [] });
    expect(answer).toMatchObject({ memberEpoch: 1, assignment: { topicPartitions: [] } });
    expect(hardState(world.replayed())).toEqual(hardState(world.state));
  });
});

describe("leaving and expiry", () => {
  it("a member that leaves is removed, and its partitions are free at once", () => {
    world.join("a");
    world.join("b");
    const { answer, records } = world.beat({ memberId: "a", memberEpoch: -1 });
    expect(answer).toMatchObject({ errorCode: 0, memberId: "a", memberEpoch: -1 });
    const key = { groupId: "g", memberId: "a" };
    expect(records).toEqual([
      { record: "ConsumerGroupCurrentMemberAssignment", key, value: null },
      { record: "ConsumerGroupTargetAssignmentMember", key, value: null },
      { record: "ConsumerGroupMemberMetadata", key, value: null },
      {
        record: "ConsumerGroupMetadata",
        key: { groupId: "g" },
        value: { epoch: 3, metadataHash: expect.any(BigInt) },
      },
    ]);
    const { answer: next } = world.beat({ memberId: "b", memberEpoch: 2 });
    expect(next).toMatchObject({
      memberEpoch: 3,
      assignment: { topicPartitions: owning(0, 1, 2, 3) },
    });
  });

  it("an empty group records since when it is empty", () => {
    world.join("a");
    expect(world.group().emptySinceMs).toBeNull();
    expect(world.group().validateDelete()).toBe(ErrorCode.NON_EMPTY_GROUP);
    world.advance(1_000);
    const leftAtMs = world.time.wallMs();
    world.beat({ memberId: "a", memberEpoch: -1 });
    expect(world.group().stateName).toBe("Empty");
    world.advance(10_000);
    world.crash();
    expect(world.group().emptySinceMs).toBe(leftAtMs);
    expect(world.group().validateDelete()).toBe(0);
  });

  it("a member without heartbeats is removed when its session ends, not before", () => {
    world.join("a");
    world.advance(SESSION_MS - 1);
    expect(world.group().members.size).toBe(1);
    world.beat({ memberId: "a", memberEpoch: 1 });
    expect(world.advance(SESSION_MS - 1)).toEqual([]);
    world.advance(1);
    expect(world.group().members.size).toBe(0);
    expect(world.beat({ memberId: "a", memberEpoch: 1 }).answer.errorCode).toBe(25);
    expect(world.deadlines.has("consumer-session/1/g/a")).toBe(false);
  });

  it("session and heartbeat interval follow the group's configs within the broker's bounds", () => {
    const set = (name: string, value: string) => {
      const record = configRecord(ResourceType.group, "g", name, value);
      world.image = applyMetadata(world.image, [record]);
    };
    set("consumer.session.timeout.ms", "50000");
    set("consumer.heartbeat.interval.ms", "7000");
    expect(world.join("a")).toMatchObject({ heartbeatIntervalMs: 7000 });
    world.join("b", { groupId: "other" });
    world.advance(SESSION_MS);
    expect(world.group().members.size).toBe(1);
    expect(world.group("other").members.size).toBe(0);
    world.advance(50_000 - SESSION_MS);
    expect(world.group().members.size).toBe(0);
    // The value was set under other bounds; the present bounds limit it.
    world.config = { ...world.config, groupConsumerMaxHeartbeatIntervalMs: 6000 };
    expect(world.join("a")).toMatchObject({ heartbeatIntervalMs: 6000 });
  });

  it("a member that does not confirm a revocation is removed after its rebalance time-out", () => {
    world = new ConsumerWorld({ groupConsumerSessionTimeoutMs: 10 * REBALANCE_MS });
    world.setTopics({ t: 4 });
    world.join("a");
    world.join("b");
    world.beat({ memberId: "a", memberEpoch: 1 });
    world.advance(REBALANCE_MS - 1);
    world.beat({ memberId: "a", memberEpoch: 1 });
    expect(world.group().members.has("a")).toBe(true);
    world.advance(1);
    expect(world.group().members.has("a")).toBe(false);
  });

  it("sessions begin anew when the coordinator is loaded", () => {
    world.join("a");
    world.advance(SESSION_MS - 1);
    expect(world.crash()).toEqual([]);
    world.advance(SESSION_MS - 1);
    expect(world.group().members.size).toBe(1);
    world.advance(1);
    expect(world.group().members.size).toBe(0);
  });
});

describe("a static member", () => {
  const fixed = { instanceId: "i" };

  it("keeps its partitions after it left temporarily, and gets them back under another id", () => {
    world.join("a", fixed);
    world.join("b");
    world.beat({ memberId: "a", memberEpoch: 1, ...fixed });
    world.beat({ memberId: "a", memberEpoch: 1, topicPartitions: owning(0, 1), ...fixed });
    const { answer, records } = world.beat({ memberId: "a", memberEpoch: -2, ...fixed });
    expect(answer).toMatchObject({ errorCode: 0, memberEpoch: -2 });
    expect(records).toMatchObject([{ value: { memberEpoch: -2, previousMemberEpoch: 1 } }]);
    const back = world.beat({ ...JOINING, memberId: "c", ...fixed });
    expect(back.answer).toMatchObject({
      memberEpoch: 2,
      assignment: { topicPartitions: owning(0, 1) },
    });
    expect(
      back.records.map(({ record, key, value }) => [record, Object.values(key)[1], value !== null]),
    ).toEqual([
      ["ConsumerGroupCurrentMemberAssignment", "a", false],
      ["ConsumerGroupTargetAssignmentMember", "a", false],
      ["ConsumerGroupMemberMetadata", "a", false],
      ["ConsumerGroupMemberMetadata", "c", true],
      ["ConsumerGroupTargetAssignmentMember", "c", true],
      ["ConsumerGroupCurrentMemberAssignment", "c", true],
      ["ConsumerGroupCurrentMemberAssignment", "c", true],
    ]);
    expect(world.group().epoch).toBe(2);
    expect(world.beat({ memberId: "a", memberEpoch: 2, ...fixed }).answer.errorCode).toBe(82);
    expect(hardState(world.replayed())).toEqual(hardState(world.state));
  });

  it("is not replaced while it has not left", () => {
    world.join("a", fixed);
    expect(world.join("c", fixed).errorCode).toBe(ErrorCode.UNRELEASED_INSTANCE_ID);
    expect(world.beat({ memberId: "c", memberEpoch: -2, ...fixed }).answer.errorCode).toBe(82);
    expect(world.beat({ memberId: "c", memberEpoch: 1, ...fixed }).answer.errorCode).toBe(82);
    const other = { instanceId: "other" };
    expect(world.beat({ memberId: "c", memberEpoch: 1, ...other }).answer.errorCode).toBe(25);
  });

  it("that does not join again is removed when its session ends", () => {
    world.join("a", fixed);
    world.beat({ memberId: "a", memberEpoch: -2, ...fixed });
    world.advance(SESSION_MS);
    expect(world.group().stateName).toBe("Empty");
  });
});

describe("a heartbeat is refused", () => {
  const cases: [string, number, object, number?][] = [
    ["an empty group id", 42, { ...JOINING, groupId: "", memberId: "a" }],
    ["an empty instance id", 42, { ...JOINING, instanceId: "", memberId: "a" }],
    ["an empty rack", 42, { ...JOINING, rackId: "", memberId: "a" }],
    ["an unknown epoch", 42, { memberId: "a", memberEpoch: -3 }],
    ["a static leave without an instance", 42, { memberId: "a", memberEpoch: -2 }],
    [
      "a join without a rebalance time-out",
      42,
      { ...JOINING, rebalanceTimeoutMs: -1, memberId: "a" },
    ],
    ["a join with partitions", 42, { ...JOINING, memberId: "a", topicPartitions: owning(1) }],
    ["a join without topicPartitions", 42, { ...JOINING, memberId: "a", topicPartitions: null }],
    [
      "a join without a subscription",
      42,
      { ...JOINING, memberId: "a", subscribedTopicNames: null },
    ],
    ["no member id with an epoch", 42, { memberEpoch: 1 }, 0],
    ["an unknown assignor", 112, { ...JOINING, memberId: "a", serverAssignor: "sticky" }],
    ["an unknown group", 69, { memberId: "a", memberEpoch: 1, groupId: "none" }],
    ["a leave from an unknown group", 69, { memberId: "a", memberEpoch: -1, groupId: "none" }],
    ["an unknown member", 25, { memberId: "x", memberEpoch: 1 }],
    ["a leave of an unknown member", 25, { memberId: "x", memberEpoch: -1 }],
    [
      "an invalid regular expression",
      128,
      { ...JOINING, memberId: "x", subscribedTopicRegex: "(" },
    ],
  ];

  it.each(cases)("with %s: %i", (_what, errorCode, request, version = 1) => {
    world.join("known");
    const before = hardState(world.state);
    const { answer, records } = world.beat(request, version);
    expect(answer.errorCode).toBe(errorCode);
    expect(answer.errorMessage).toBeTypeOf("string");
    expect(records).toEqual([]);
    expect(hardState(world.state)).toEqual(before);
  });

  it("when the group is full, unless its sender is a member", () => {
    world = new ConsumerWorld({ groupConsumerMaxSize: 2 });
    world.setTopics({ t: 4 });
    world.join("a");
    world.join("b", { instanceId: "i" });
    expect(world.join("c").errorCode).toBe(ErrorCode.GROUP_MAX_SIZE_REACHED);
    expect(world.join("a").errorCode).toBe(0);
    world.beat({ memberId: "b", memberEpoch: -2, instanceId: "i" });
    expect(world.join("c", { instanceId: "i" }).errorCode).toBe(0);
  });
});

it("the tombstones of a group remove all of its state", () => {
  world.join("m", { subscribedTopicNames: null, subscribedTopicRegex: ".*" });
  world.beat({ memberId: "m", memberEpoch: -1 });
  world.step((turn) => turn.appendAll(turn.state.groups.get("g")!.tombstones()));
  expect(world.state.groups.size).toBe(0);
  expect(hardState(world.replayed())).toEqual([]);
});
