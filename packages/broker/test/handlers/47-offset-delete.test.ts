import { ErrorCode, OffsetCommit, OffsetDelete } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { addGroup, committedOffsets, offsetsBroker } from "./offsets-broker.ts";
import { WholeBroker } from "./whole-broker.ts";

async function brokerWithOffsets(): Promise<WholeBroker> {
  const broker = await offsetsBroker();
  const topics = ["t", "u"].map((name) => ({
    name,
    partitions: [{ partitionIndex: 0, committedOffset: 5, committedMetadata: null }],
  }));
  await broker.call(OffsetCommit, 9, { groupId: "g", memberId: "", topics });
  return broker;
}

function forget(broker: WholeBroker, groupId: string, ...topics: [string, ...number[]][]) {
  return broker.call(OffsetDelete, 0, {
    groupId,
    topics: topics.map(([name, ...partitions]) => ({
      name,
      partitions: partitions.map((partitionIndex) => ({ partitionIndex })),
    })),
  });
}

describe("OffsetDelete", () => {
  it("deletes offsets, whether there are any or not", async () => {
    const broker = await brokerWithOffsets();
    const answer = await forget(broker, "g", ["t", 0, 1, 2], ["nowhere", 0]);
    expect(answer).toMatchObject({
      errorCode: 0,
      topics: [
        {
          name: "t",
          partitions: [
            { partitionIndex: 0, errorCode: 0 },
            { partitionIndex: 1, errorCode: 0 },
            { partitionIndex: 2, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
          ],
        },
        { partitions: [{ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }] },
      ],
    });
    expect(await committedOffsets(broker, "g")).toMatchObject([{ topic: "u", partition: 0 }]);
  });

  it("refuses topics that a member is subscribed to", async () => {
    const broker = await brokerWithOffsets();
    await addGroup(broker, "g", { isSubscribedTo: (topic) => topic === "t" });
    const answer = await forget(broker, "g", ["t", 0], ["u", 0]);
    expect(answer.topics).toMatchObject([
      { name: "t", partitions: [{ errorCode: ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC }] },
      { name: "u", partitions: [{ errorCode: 0 }] },
    ]);
    expect(await committedOffsets(broker, "g")).toMatchObject([{ topic: "t" }]);
  });

  it("refuses a group of another protocol type while it has members", async () => {
    const broker = await brokerWithOffsets();
    const connect = { protocolType: "connect", validateDelete: () => ErrorCode.NON_EMPTY_GROUP };
    await addGroup(broker, "g", connect);
    const answer = await forget(broker, "g", ["t", 0]);
    expect(answer).toMatchObject({ errorCode: ErrorCode.NON_EMPTY_GROUP, topics: [] });
    await addGroup(broker, "g", { ...connect, stateName: "Empty", validateDelete: () => 0 });
    expect((await forget(broker, "g", ["t", 0])).errorCode).toBe(0);
    expect(await committedOffsets(broker, "g")).toMatchObject([{ topic: "u" }]);
  });

  it("refuses an unknown group and an empty group id", async () => {
    const broker = await brokerWithOffsets();
    expect(await forget(broker, "x", ["t", 0])).toMatchObject({ errorCode: 69, topics: [] });
    expect(await forget(broker, "", ["t", 0])).toMatchObject({ errorCode: 24, topics: [] });
    await forget(broker, "g", ["t", 0], ["u", 0]);
    expect(await forget(broker, "g", ["t", 0])).toMatchObject({ errorCode: 69, topics: [] });
  });

  it("has no coordinator before the offsets topic exists", async () => {
    const broker = await WholeBroker.start();
    const code = ErrorCode.COORDINATOR_NOT_AVAILABLE;
    expect(await forget(broker, "g", ["t", 0])).toMatchObject({ errorCode: code, topics: [] });
  });
});
