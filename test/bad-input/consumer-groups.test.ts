import {
  ConsumerGroupDescribe,
  type ConsumerGroupHeartbeat,
  ErrorCode,
  OffsetCommit,
  OffsetFetch,
  type RequestInput,
} from "@tarpan/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { useBroker } from "../harness/broker-process.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { consumerHeartbeat, coordinatorReady, RawMember } from "../harness/raw-group.ts";
import { createTopic } from "../harness/records.ts";

const MOST_MEMBERS = 3;
const broker = useBroker({
  flags: ["--kafka", `group.consumer.max.size=${MOST_MEMBERS}`],
});
const { INVALID_REQUEST, UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH } = ErrorCode;
const { STALE_MEMBER_EPOCH, GROUP_ID_NOT_FOUND } = ErrorCode;
type Heartbeat = Partial<RequestInput<typeof ConsumerGroupHeartbeat>>;
let connection: RawConnection;
let groups = 0;
const newGroup = () => `consumer-group-${groups++}`;
const beat = (groupId: string, heartbeat: Heartbeat = {}) =>
  consumerHeartbeat(connection, groupId, heartbeat);

/** A group with one member, `the-first`, at the epoch that is returned. */
async function groupOfOne(heartbeat: Heartbeat = {}) {
  const groupId = newGroup();
  const { errorCode, memberEpoch } = await beat(groupId, heartbeat);
  expect(errorCode).toBe(0);
  return { groupId, memberEpoch };
}

beforeAll(async () => {
  connection = await RawConnection.open(broker.port);
  await createTopic(connection, "plain", { partitions: 2 });
  await coordinatorReady(connection, "any");
});

afterAll(() => connection.close());

const INVALID: readonly [what: string, heartbeat: Heartbeat, code: number][] = [
  ["no group id", { groupId: "" }, INVALID_REQUEST],
  ["no member id", { memberId: "" }, INVALID_REQUEST],
  ["an epoch below -2", { memberEpoch: -3 }, INVALID_REQUEST],
  ["no rebalance time-out in a first heartbeat", { rebalanceTimeoutMs: -1 }, INVALID_REQUEST],
  ["no owned partitions in a first heartbeat", { topicPartitions: null }, INVALID_REQUEST],
  [
    "owned partitions in a first heartbeat",
    { topicPartitions: [{ topicId: "ffffffff-0000-4000-8000-000000000000", partitions: [0] }] },
    INVALID_REQUEST,
  ],
  ["no subscription in a first heartbeat", { subscribedTopicNames: null }, INVALID_REQUEST],
  ["an empty instance id", { instanceId: "" }, INVALID_REQUEST],
  ["an empty rack", { rackId: "" }, INVALID_REQUEST],
  ["an unknown assignor", { serverAssignor: "sticky" }, ErrorCode.UNSUPPORTED_ASSIGNOR],
  [
    "a regular expression that is none",
    { subscribedTopicNames: null, subscribedTopicRegex: "(" },
    ErrorCode.INVALID_REGULAR_EXPRESSION,
  ],
  ["static leaving without an instance id", { memberEpoch: -2 }, INVALID_REQUEST],
];

for (const [what, heartbeat, code] of INVALID) {
  it(`answers ${what} with ${code}`, async () => {
    expect((await beat(newGroup(), heartbeat)).errorCode).toBe(code);
  });
}

describe("an existing group", () => {
  it("answers an unknown member with 25, a wrong epoch with 110", async () => {
    const { groupId, memberEpoch } = await groupOfOne();
    const rest = { subscribedTopicNames: null, topicPartitions: null };
    const stranger = { ...rest, memberId: "stranger", memberEpoch };
    expect((await beat(groupId, stranger)).errorCode).toBe(UNKNOWN_MEMBER_ID);
    const leaving = { ...rest, memberId: "stranger", memberEpoch: -1 };
    expect((await beat(groupId, leaving)).errorCode).toBe(UNKNOWN_MEMBER_ID);
    const ahead = { ...rest, memberEpoch: memberEpoch + 1 };
    expect((await beat(groupId, ahead)).errorCode).toBe(FENCED_MEMBER_EPOCH);
    expect((await beat(groupId, { ...rest, memberEpoch })).errorCode).toBe(0);
  });

  it("checks member and epoch of commits and fetches: 25 and 113", async () => {
    const { groupId, memberEpoch } = await groupOfOne();
    const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: "" }];
    const topics = [{ name: "plain", partitions }];
    const commit = async (memberId: string, epoch: number) => {
      const body = { groupId, memberId, generationIdOrMemberEpoch: epoch, topics };
      const answer = await connection.request(OffsetCommit, 9, body);
      return answer.topics[0]!.partitions[0]!.errorCode;
    };
    expect(await commit("stranger", memberEpoch)).toBe(UNKNOWN_MEMBER_ID);
    expect(await commit("the-first", memberEpoch + 1)).toBe(STALE_MEMBER_EPOCH);
    expect(await commit("the-first", memberEpoch)).toBe(0);
    const fetch = async (memberId: string, epoch: number) => {
      const asked = [{ name: "plain", partitionIndexes: [0] }];
      const group = { groupId, memberId, memberEpoch: epoch, topics: asked };
      const answer = await connection.request(OffsetFetch, 9, { groups: [group] });
      return answer.groups[0]!.errorCode;
    };
    expect(await fetch("stranger", memberEpoch)).toBe(UNKNOWN_MEMBER_ID);
    expect(await fetch("the-first", memberEpoch + 1)).toBe(STALE_MEMBER_EPOCH);
    expect(await fetch("the-first", memberEpoch)).toBe(0);
  });

  it("refuses an instance id in use with 111, and fences its previous member with 82", async () => {
    const { groupId, memberEpoch } = await groupOfOne({ instanceId: "seat" });
    const other = { memberId: "the-second", instanceId: "seat" };
    expect((await beat(groupId, other)).errorCode).toBe(ErrorCode.UNRELEASED_INSTANCE_ID);
    const rest = { instanceId: "seat", subscribedTopicNames: null, topicPartitions: null };
    expect((await beat(groupId, { ...rest, memberEpoch: -2 })).errorCode).toBe(0);
    expect((await beat(groupId, other)).errorCode).toBe(0);
    const late = await beat(groupId, { ...rest, memberEpoch });
    expect(late.errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID);
  });

  it(`answers more than ${MOST_MEMBERS} members with 81`, async () => {
    const { groupId } = await groupOfOne();
    for (let count = 1; count < MOST_MEMBERS; count++) {
      expect((await beat(groupId, { memberId: `member-${count}` })).errorCode).toBe(0);
    }
    const { errorCode } = await beat(groupId, { memberId: "one-too-many" });
    expect(errorCode).toBe(ErrorCode.GROUP_MAX_SIZE_REACHED);
  });

  it("answers unknown members of the classic protocol with 25 and 23", async () => {
    const { groupId } = await groupOfOne();
    const one = await RawMember.of(broker.port, groupId);
    one.memberId = "stranger";
    one.generationId = 1;
    expect(await one.heartbeat()).toBe(UNKNOWN_MEMBER_ID);
    expect((await one.sync()).errorCode).toBe(UNKNOWN_MEMBER_ID);
    const garbage = [{ name: "range", metadata: Buffer.from("garbage") }];
    for (const join of [{ protocolType: "connect" }, { protocols: garbage }]) {
      one.memberId = "";
      await expect(one.join(join)).rejects.toThrow("JoinGroup: 23");
    }
    one.connection.close();
  });
});

it("answers an epoch in an unknown group with 69", async () => {
  const rest = { subscribedTopicNames: null, topicPartitions: null };
  const { errorCode } = await beat(newGroup(), { ...rest, memberEpoch: 1 });
  expect(errorCode).toBe(GROUP_ID_NOT_FOUND);
});

it("answers the description of a group of another type with 69", async () => {
  const { groupId } = await RawMember.alone(broker.port, newGroup());
  const groupIds = [groupId, newGroup()];
  const answer = await connection.request(ConsumerGroupDescribe, 1, {
    groupIds,
    includeAuthorizedOperations: false,
  });
  expect(answer.groups.map(({ errorCode }) => errorCode)).toEqual([69, 69]);
});
