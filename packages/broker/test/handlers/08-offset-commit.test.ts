import {
  DeleteTopics,
  ErrorCode,
  ListGroups,
  OffsetCommit,
  type RequestInput,
  ZERO_UUID,
} from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { classicBroker, stableGroup } from "./classic-broker.ts";
import { addGroup, committedOffsets, offsetsBroker } from "./offsets-broker.ts";
import { WholeBroker } from "./whole-broker.ts";

const SESSION_MS = 10_000;
const CHECK_MS = 600_000;
const RETENTION_MS = 7 * 86_400_000;

type Topic = RequestInput<typeof OffsetCommit>["topics"][number];

const partition = (partitionIndex: number, committedOffset: number, fields = {}) => ({
  partitionIndex,
  committedOffset,
  committedMetadata: null,
  ...fields,
});

/** Commits, and returns the error codes of the partitions in their order. */
async function commit(broker: WholeBroker, version: number, topics: Topic[], fields = {}) {
  const request = { groupId: "g", memberId: "", topics, ...fields };
  const answer = await broker.call(OffsetCommit, version, request);
  return answer.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode));
}

async function listed(broker: WholeBroker) {
  const answer = await broker.call(ListGroups, 5, { statesFilter: [], typesFilter: [] });
  return answer.groups;
}

describe("OffsetCommit", () => {
  it.each([2, 5, 6, 9])("commits by name, at version %i", async (version) => {
    const broker = await offsetsBroker();
    const metadata = { committedMetadata: "m", ...(version >= 6 && { committedLeaderEpoch: 3 }) };
    const topics = [{ name: "t", partitions: [partition(0, 5), partition(1, 7, metadata)] }];
    expect(await commit(broker, version, topics)).toEqual([0, 0]);
    expect(await committedOffsets(broker, "g")).toEqual([
      { topic: "t", partition: 0, offset: 5, leaderEpoch: -1, metadata: "" },
      { topic: "t", partition: 1, offset: 7, leaderEpoch: version >= 6 ? 3 : -1, metadata: "m" },
    ]);
  });

  it("commits by topic id, at version 10", async () => {
    const broker = await offsetsBroker();
    const topicId = broker.metadata.image.topics.get("t")!.id;
    const unknown = "00000000-0000-0000-0000-0000000000ff";
    const request = {
      groupId: "g",
      memberId: "",
      topics: [
        { topicId, partitions: [partition(0, 5)] },
        { topicId: unknown, partitions: [partition(0, 5)] },
        { topicId: ZERO_UUID, partitions: [partition(0, 5)] },
      ],
    };
    const answer = await broker.call(OffsetCommit, 10, request);
    expect(answer.topics).toMatchObject([
      { topicId, partitions: [{ partitionIndex: 0, errorCode: ErrorCode.NONE }] },
      { topicId: unknown, partitions: [{ errorCode: ErrorCode.UNKNOWN_TOPIC_ID }] },
      { topicId: ZERO_UUID, partitions: [{ errorCode: ErrorCode.UNKNOWN_TOPIC_ID }] },
    ]);
    expect(await committedOffsets(broker, "g")).toMatchObject([{ topic: "t", offset: 5 }]);
  });

  it("refuses each invalid partition on its own", async () => {
    const broker = await offsetsBroker();
    const topics = [
      {
        name: "t",
        partitions: [
          partition(0, 1),
          partition(2, 1),
          partition(-1, 1),
          partition(1, 1, { committedMetadata: "x".repeat(4097) }),
          partition(1, 2, { committedMetadata: "x".repeat(4096) }),
        ],
      },
      { name: "nowhere", partitions: [partition(0, 1)] },
    ];
    expect(await commit(broker, 9, topics)).toEqual([
      ErrorCode.NONE,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      ErrorCode.OFFSET_METADATA_TOO_LARGE,
      ErrorCode.NONE,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ]);
    expect(await committedOffsets(broker, "g")).toMatchObject([
      { partition: 0, offset: 1 },
      { partition: 1, offset: 2 },
    ]);
  });

  const topics = [{ name: "t", partitions: [partition(0, 1), partition(1, 1)] }];

  it.each([
    [2, ErrorCode.ILLEGAL_GENERATION],
    [8, ErrorCode.ILLEGAL_GENERATION],
    [9, ErrorCode.GROUP_ID_NOT_FOUND],
  ])("refuses members of an unknown group, at version %i", async (version, code) => {
    const broker = await offsetsBroker();
    const member = { memberId: "m", generationIdOrMemberEpoch: 0 };
    expect(await commit(broker, version, topics, member)).toEqual([code, code]);
    await commit(broker, version, topics);
    const known = await commit(broker, version, topics, member);
    expect(known).toEqual([ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.UNKNOWN_MEMBER_ID]);
  });

  it.each([
    ErrorCode.UNKNOWN_MEMBER_ID,
    ErrorCode.ILLEGAL_GENERATION,
    ErrorCode.STALE_MEMBER_EPOCH,
    ErrorCode.FENCED_INSTANCE_ID,
    ErrorCode.REBALANCE_IN_PROGRESS,
    ErrorCode.UNSUPPORTED_VERSION,
  ])("answers the error code of the group's validation: %i", async (code) => {
    const broker = await offsetsBroker();
    const asked: unknown[] = [];
    await addGroup(broker, "g", {
      validateOffsetCommit: (memberId, instanceId, generation, version, wanted) => {
        asked.push([memberId, instanceId, generation, version, wanted()]);
        return code;
      },
    });
    const member = { memberId: "m", groupInstanceId: "i", generationIdOrMemberEpoch: 4 };
    expect(await commit(broker, 7, topics, member)).toEqual([code, code]);
    const wanted = [{ topicId: expect.any(String), partitions: [0, 1] }];
    expect(asked).toEqual([["m", "i", 4, 7, wanted]]);
    expect(await committedOffsets(broker, "g")).toEqual([]);
  });

  it("serves the empty group id, as Kafka does", async () => {
    const broker = await offsetsBroker();
    expect(await commit(broker, 9, topics, { groupId: "" })).toEqual([0, 0]);
    expect(await committedOffsets(broker, "")).toHaveLength(2);
  });

  it("has no coordinator before the offsets topic exists", async () => {
    const broker = await WholeBroker.start();
    const code = ErrorCode.COORDINATOR_NOT_AVAILABLE;
    expect(await commit(broker, 9, topics)).toEqual([code, code]);
  });

  it("deletes the offsets of a deleted topic", async () => {
    const broker = await offsetsBroker();
    await commit(broker, 9, topics);
    await broker.call(DeleteTopics, 5, { topicNames: ["t"], timeoutMs: 1_000 });
    await broker.createTopic("t", 2);
    expect(await committedOffsets(broker, "g")).toEqual([]);
  });

  it("accepts commits of a classic group's member and extends its session", async () => {
    const broker = await classicBroker();
    await broker.createTopic("t", 2);
    const memberId = await stableGroup(broker);
    const member = { memberId, generationIdOrMemberEpoch: 1 };
    for (let i = 0; i < 5; i++) {
      broker.time.advance(SESSION_MS - 1);
      expect(await commit(broker, 9, topics, member)).toEqual([0, 0]);
    }
    const code = ErrorCode.ILLEGAL_GENERATION;
    const old = { memberId, generationIdOrMemberEpoch: 0 };
    expect(await commit(broker, 9, topics, old)).toEqual([code, code]);
    const standalone = ErrorCode.UNKNOWN_MEMBER_ID;
    expect(await commit(broker, 9, topics)).toEqual([standalone, standalone]);
    broker.time.advance(SESSION_MS);
    expect(await commit(broker, 9, topics, member)).toEqual([standalone, standalone]);
  });

  it("keeps the offsets of an empty group for their retention, then deletes both", async () => {
    const broker = await classicBroker();
    await broker.createTopic("t", 2);
    const memberId = await stableGroup(broker);
    const member = { memberId, generationIdOrMemberEpoch: 1 };
    expect(await commit(broker, 9, topics, member)).toEqual([0, 0]);
    broker.time.advance(SESSION_MS);
    broker.time.advance(RETENTION_MS - SESSION_MS);
    expect(await committedOffsets(broker, "g")).toHaveLength(2);
    expect(await listed(broker)).toMatchObject([{ groupState: "Empty" }]);
    broker.time.advance(CHECK_MS + SESSION_MS);
    expect(await committedOffsets(broker, "g")).toEqual([]);
    expect(await listed(broker)).toEqual([]);
  });
});
