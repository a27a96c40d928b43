import { ConsumerGroupHeartbeat, ErrorCode, FindCoordinator, type Input } from "@tarpan/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { WholeBroker } from "./whole-broker.ts";

type Request = Input<typeof ConsumerGroupHeartbeat.request>;

let broker: WholeBroker;
let topicId: string;

beforeEach(async () => {
  broker = await WholeBroker.start();
  topicId = await broker.createTopic("t", 3);
  await broker.call(FindCoordinator, 4, { key: "", keyType: 0, coordinatorKeys: ["g"] });
});

const join: Request = {
  groupId: "g",
  memberId: "a",
  memberEpoch: 0,
  rebalanceTimeoutMs: 60_000,
  subscribedTopicNames: ["t"],
  subscribedTopicRegex: null,
  topicPartitions: [],
};
const heartbeat = (request: Partial<Request>, version = 1) =>
  broker.call(ConsumerGroupHeartbeat, version, { ...join, ...request });
const nothingNew = { rebalanceTimeoutMs: -1, subscribedTopicNames: null, topicPartitions: null };

describe("ConsumerGroupHeartbeat", () => {
  it.each([0, 1])("joins, continues and leaves at version %i", async (version) => {
    const memberId = version === 0 ? "" : "a";
    const joined = await heartbeat({ memberId }, version);
    expect(joined).toMatchObject({
      errorCode: 0,
      memberEpoch: 1,
      heartbeatIntervalMs: 5_000,
      assignment: { topicPartitions: [{ topicId, partitions: [0, 1, 2] }] },
    });
    const own = { ...nothingNew, memberId: joined.memberId!, memberEpoch: 1 };
    expect(await heartbeat(own, version)).toMatchObject({ errorCode: 0, assignment: null });
    const left = await heartbeat({ ...own, memberEpoch: -1 }, version);
    expect(left).toMatchObject({ errorCode: 0, memberEpoch: -1 });
    expect((await heartbeat(own, version)).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it("assigns the partitions of a new topic that matches", async () => {
    await heartbeat({ subscribedTopicNames: null, subscribedTopicRegex: "t|u" });
    const u = await broker.createTopic("u");
    const { assignment } = await heartbeat({ ...nothingNew, memberEpoch: 1 });
    expect(assignment?.topicPartitions.map(({ topicId }) => topicId)).toContain(u);
  });

  it("removes a member when its session ends", async () => {
    await heartbeat({});
    broker.time.advance(45_000);
    const { errorCode } = await heartbeat({ ...nothingNew, memberEpoch: 1 });
    expect(errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it("refuses an invalid regular expression with a reason, and an unknown group", async () => {
    const refused = await heartbeat({ subscribedTopicRegex: "a**" });
    expect(refused).toMatchObject({ errorCode: ErrorCode.INVALID_REGULAR_EXPRESSION });
    expect(refused.errorMessage).toContain("repetition");
    const { errorCode } = await heartbeat({ ...nothingNew, groupId: "none", memberEpoch: 3 });
    expect(errorCode).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
  });

  it("answers COORDINATOR_NOT_AVAILABLE without a coordinator", async () => {
    broker = await WholeBroker.start();
    expect((await heartbeat({})).errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  });
});
