import {
  ConsumerGroupDescribe,
  ConsumerGroupHeartbeat,
  ErrorCode,
  FindCoordinator,
} from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { WholeBroker } from "./whole-broker.ts";

const NOT_ASKED = -2_147_483_648;

async function withGroup(): Promise<{ broker: WholeBroker; topicId: string }> {
  const broker = await WholeBroker.start();
  const topicId = await broker.createTopic("t", 2);
  await broker.call(FindCoordinator, 4, { key: "", keyType: 0, coordinatorKeys: ["g"] });
  for (const memberId of ["a", "b"]) {
    await broker.call(ConsumerGroupHeartbeat, 1, {
      groupId: "g",
      memberId,
      memberEpoch: 0,
      rackId: "r",
      rebalanceTimeoutMs: 60_000,
      subscribedTopicNames: ["t"],
      subscribedTopicRegex: null,
      topicPartitions: [],
    });
  }
  return { broker, topicId };
}

describe("ConsumerGroupDescribe", () => {
  it("describes a group once, however often it is named", async () => {
    const { broker } = await withGroup();
    const request = { groupIds: ["g", "other", "g"], includeAuthorizedOperations: false };
    const { groups } = await broker.call(ConsumerGroupDescribe, 1, request);
    expect(groups.map(({ groupId }) => groupId)).toEqual(["g", "other"]);
  });

  it.each([0, 1])("describes assignments and targets, at version %i", async (version) => {
    const { broker, topicId } = await withGroup();
    const request = { groupIds: ["g"], includeAuthorizedOperations: false };
    const { groups } = await broker.call(ConsumerGroupDescribe, version, request);
    const memberType = version === 0 ? -1 : 1;
    const partitions = (...partitions: number[]) => ({
      topicPartitions: [{ topicId, topicName: "t", partitions }],
    });
    const common = {
      instanceId: null,
      rackId: "r",
      clientId: "test",
      clientHost: "/127.0.0.1",
      subscribedTopicNames: ["t"],
      subscribedTopicRegex: null,
      memberType,
    };
    expect(groups).toEqual([
      {
        errorCode: 0,
        errorMessage: null,
        groupId: "g",
        groupState: "Reconciling",
        groupEpoch: 2,
        assignmentEpoch: 2,
        assignorName: "uniform",
        members: [
          {
            ...common,
            memberId: "a",
            memberEpoch: 1,
            assignment: partitions(0, 1),
            targetAssignment: partitions(0),
          },
          {
            ...common,
            memberId: "b",
            memberEpoch: 2,
            assignment: { topicPartitions: [] },
            targetAssignment: partitions(1),
          },
        ],
        authorizedOperations: NOT_ASKED,
      },
    ]);
  });

  it("lists authorized operations on request", async () => {
    const { broker } = await withGroup();
    const request = { groupIds: ["g", "none"], includeAuthorizedOperations: true };
    const { groups } = await broker.call(ConsumerGroupDescribe, 1, request);
    expect(groups[0]!.authorizedOperations).toBeGreaterThan(0);
    expect(groups[1]).toMatchObject({
      errorCode: ErrorCode.GROUP_ID_NOT_FOUND,
      groupId: "none",
      authorizedOperations: NOT_ASKED,
    });
  });

  it("answers an error for each group without a coordinator", async () => {
    const broker = await WholeBroker.start();
    const request = { groupIds: ["g", "h"], includeAuthorizedOperations: false };
    const { groups } = await broker.call(ConsumerGroupDescribe, 1, request);
    expect(groups.map(({ errorCode }) => errorCode)).toEqual([15, 15]);
  });
});
