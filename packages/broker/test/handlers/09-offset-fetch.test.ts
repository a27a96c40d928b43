import { ErrorCode, OffsetCommit, OffsetFetch, ZERO_UUID } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { addGroup, offsetsBroker } from "./offsets-broker.ts";
import { WholeBroker } from "./whole-broker.ts";

async function brokerWithOffsets(): Promise<WholeBroker> {
  const broker = await offsetsBroker();
  await commit(broker, "g", "t", 5);
  await commit(broker, "g", "u", 6);
  await commit(broker, "h", "t", 7);
  return broker;
}

async function commit(broker: WholeBroker, groupId: string, name: string, committedOffset: number) {
  const offset = { partitionIndex: 1, committedOffset, committedLeaderEpoch: 3 };
  const topics = [{ name, partitions: [{ ...offset, committedMetadata: "m" }] }];
  const answer = await broker.call(OffsetCommit, 9, { groupId, memberId: "", topics });
  if (answer.topics[0]!.partitions[0]!.errorCode !== 0) throw new Error("not committed");
}

const NOTHING = { committedOffset: -1, committedLeaderEpoch: -1, metadata: "", errorCode: 0 };
const idOf = (broker: WholeBroker, topic: string) => broker.metadata.image.topics.get(topic)!.id;

describe("OffsetFetch", () => {
  it.each([1, 4, 5, 7])("answers for one group, at version %i", async (version) => {
    const broker = await brokerWithOffsets();
    const topics = [
      { name: "t", partitionIndexes: [0, 1] },
      { name: "nowhere", partitionIndexes: [0] },
    ];
    const answer = await broker.call(OffsetFetch, version, { groupId: "g", topics, groups: [] });
    const committedLeaderEpoch = version >= 5 ? 3 : -1;
    expect(answer.errorCode).toBe(0);
    expect(answer.topics).toEqual([
      {
        name: "t",
        partitions: [
          { partitionIndex: 0, ...NOTHING },
          {
            ...NOTHING,
            partitionIndex: 1,
            committedOffset: 5,
            committedLeaderEpoch,
            metadata: "m",
          },
        ],
      },
      { name: "nowhere", partitions: [{ partitionIndex: 0, ...NOTHING }] },
    ]);
  });

  it.each([2, 7])("returns all topics for null, at version %i", async (version) => {
    const broker = await brokerWithOffsets();
    const request = { groupId: "g", topics: null, groups: [] };
    const answer = await broker.call(OffsetFetch, version, request);
    expect(answer.topics).toMatchObject([
      { name: "t", partitions: [{ partitionIndex: 1, committedOffset: 5 }] },
      { name: "u", partitions: [{ partitionIndex: 1, committedOffset: 6 }] },
    ]);
  });

  it.each([8, 9])("answers for several groups, at version %i", async (version) => {
    const broker = await brokerWithOffsets();
    const groups = [
      { groupId: "h", topics: [{ name: "t", partitionIndexes: [1] }] },
      { groupId: "g", topics: null },
      { groupId: "x", topics: [{ name: "t", partitionIndexes: [1] }] },
      { groupId: "y", topics: null },
    ];
    const answer = await broker.call(OffsetFetch, version, { groups, requireStable: true });
    expect(answer.groups).toMatchObject([
      { groupId: "h", errorCode: 0, topics: [{ name: "t", partitions: [{ committedOffset: 7 }] }] },
      { groupId: "g", errorCode: 0, topics: [{ name: "t" }, { name: "u" }] },
      { groupId: "x", errorCode: 0, topics: [{ partitions: [{ partitionIndex: 1, ...NOTHING }] }] },
      { groupId: "y", errorCode: 0, topics: [] },
    ]);
  });

  it("finds topics by id, at version 10", async () => {
    const broker = await brokerWithOffsets();
    const topics = [idOf(broker, "t"), ZERO_UUID].map((topicId) => ({
      topicId,
      partitionIndexes: [1],
    }));
    const groups = [
      { groupId: "g", topics },
      { groupId: "g", topics: null },
    ];
    const answer = await broker.call(OffsetFetch, 10, { groups });
    const unknown = { ...NOTHING, errorCode: ErrorCode.UNKNOWN_TOPIC_ID };
    expect(answer.groups[0]!.topics).toMatchObject([
      { topicId: idOf(broker, "t"), partitions: [{ committedOffset: 5, errorCode: 0 }] },
      { topicId: ZERO_UUID, partitions: [unknown] },
    ]);
    expect(answer.groups[1]!.topics).toMatchObject([
      { topicId: idOf(broker, "t"), partitions: [{ committedOffset: 5 }] },
      { topicId: idOf(broker, "u"), partitions: [{ committedOffset: 6 }] },
    ]);
  });

  it("lets the group validate the member, from version 9 on", async () => {
    const broker = await brokerWithOffsets();
    const asked: unknown[] = [];
    await addGroup(broker, "g", {
      validateOffsetFetch: (memberId, memberEpoch) => {
        asked.push([memberId, memberEpoch]);
        return memberId === null ? 0 : ErrorCode.STALE_MEMBER_EPOCH;
      },
    });
    const member = { memberId: "m", memberEpoch: 2 };
    const groups = [{ groupId: "g", ...member, topics: null }];
    const refused = await broker.call(OffsetFetch, 9, { groups });
    const code = ErrorCode.STALE_MEMBER_EPOCH;
    expect(refused.groups).toMatchObject([{ groupId: "g", errorCode: code, topics: [] }]);
    await broker.call(OffsetFetch, 8, { groups: [{ groupId: "g", topics: null }] });
    await broker.call(OffsetFetch, 2, { groupId: "g", topics: null, groups: [] });
    expect(asked).toEqual([
      ["m", 2],
      [null, -1],
      [null, -1],
    ]);
  });

  it("answers NOT_COORDINATOR without a coordinator, so that clients look for it", async () => {
    const broker = await WholeBroker.start();
    const code = ErrorCode.NOT_COORDINATOR;
    const topics = [{ name: "t", partitionIndexes: [0] }];
    const v1 = await broker.call(OffsetFetch, 1, { groupId: "g", topics, groups: [] });
    expect(v1.topics).toMatchObject([{ name: "t", partitions: [{ ...NOTHING, errorCode: code }] }]);
    const v2 = await broker.call(OffsetFetch, 2, { groupId: "g", topics, groups: [] });
    expect(v2).toMatchObject({ errorCode: code, topics: [] });
    const v10 = await broker.call(OffsetFetch, 10, { groups: [{ groupId: "g", topics: null }] });
    expect(v10.groups).toMatchObject([{ groupId: "g", errorCode: code, topics: [] }]);
  });
});
