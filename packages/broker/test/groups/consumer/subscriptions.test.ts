import { beforeEach, describe, expect, it } from "vitest";
import { ConsumerWorld, hardState, JOINING, topicId } from "./world.ts";

const T = topicId("t");
let world: ConsumerWorld;

beforeEach(() => {
  world = new ConsumerWorld();
  world.setTopics({ t: 4 });
});

const owning = (...partitions: number[]) => [{ topicId: T, partitions }];

describe("subscriptions", () => {
  it("follow topics that are created, grow and are deleted", () => {
    world.join("a", { subscribedTopicNames: ["t", "u"] });
    expect(world.setTopics({ v: 1 })).toEqual([]);
    expect(world.setTopics({ u: 1 })).toMatchObject([{ value: { epoch: 2 } }]);
    expect(world.group().stateName).toBe("Assigning");
    const grown = world.beat({ memberId: "a", memberEpoch: 1 }).answer;
    expect(grown.memberEpoch).toBe(2);
    expect(grown.assignment?.topicPartitions).toHaveLength(2);
    expect(world.setTopics({ t: 5 })).toHaveLength(1);
    expect(world.beat({ memberId: "a", memberEpoch: 2 }).answer.assignment).not.toBeNull();
    expect(world.setTopics({ u: 0 })).toHaveLength(1);
    // The member moves to the next epoch once it owns no partition of the deleted topic.
    const told = world.beat({ memberId: "a", memberEpoch: 3 }).answer;
    expect(told).toMatchObject({
      memberEpoch: 3,
      assignment: { topicPartitions: owning(0, 1, 2, 3, 4) },
    });
    const rid = { memberId: "a", memberEpoch: 3, topicPartitions: owning(0, 1, 2, 3, 4) };
    expect(world.beat(rid).answer.memberEpoch).toBe(4);
  });

  it("follow, on a load, the changes of topics since the last record", () => {
    world.join("a");
    const { image } = world;
    world.setTopics({ t: 8 });
    // As if the coordinator had crashed before it recorded the new epoch.
    world.log.pop();
    expect(world.image).not.toBe(image);
    expect(world.crash()).toMatchObject([{ record: "ConsumerGroupMetadata", value: { epoch: 2 } }]);
  });

  it("that change revoke partitions in the same heartbeat", () => {
    world.setTopics({ u: 2 });
    world.join("a", { subscribedTopicNames: ["t"] });
    const { answer, records } = world.beat({
      memberId: "a",
      memberEpoch: 1,
      subscribedTopicNames: ["u"],
    });
    expect(answer).toMatchObject({ memberEpoch: 1, assignment: { topicPartitions: [] } });
    expect(records.at(-1)).toMatchObject({ value: { state: 1, memberEpoch: 1 } });
    const rid = { memberId: "a", memberEpoch: 1, topicPartitions: [] };
    expect(world.beat(rid).answer).toMatchObject({
      memberEpoch: 2,
      assignment: { topicPartitions: [{ topicId: topicId("u"), partitions: [0, 1] }] },
    });
  });

  it("by a regular expression are resolved, recorded, and follow topics", () => {
    world.setTopics({ "a-1": 1, "a-2": 1 });
    const regex = { subscribedTopicNames: null, subscribedTopicRegex: "a-.*" };
    const { answer, records } = world.beat({ ...JOINING, memberId: "m", ...regex });
    expect(answer.assignment?.topicPartitions).toHaveLength(2);
    expect(records[1]).toEqual({
      record: "ConsumerGroupRegularExpression",
      key: { groupId: "g", regularExpression: "a-.*" },
      value: { topics: ["a-1", "a-2"], version: 0, timestamp: world.time.wallMs() },
    });
    expect(world.group().isSubscribedTo("a-2")).toBe(true);
    expect(world.group().isSubscribedTo("t")).toBe(false);
    expect(world.setTopics({ "a-3": 3, b: 1 })).toMatchObject([
      { value: { topics: ["a-1", "a-2", "a-3"] } },
      { value: { epoch: 2 } },
    ]);
    expect(
      world.beat({ memberId: "m", memberEpoch: 1 }).answer.assignment?.topicPartitions,
    ).toHaveLength(3);
    // The only member removes its regular expression.
    const taken = {
      memberId: "m",
      memberEpoch: 2,
      subscribedTopicRegex: "",
      subscribedTopicNames: ["t"],
    };
    expect(world.beat(taken).records).toContainEqual({
      record: "ConsumerGroupRegularExpression",
      key: { groupId: "g", regularExpression: "a-.*" },
      value: null,
    });
    expect(hardState(world.replayed())).toEqual(hardState(world.state));
  });

  it("a regular expression is removed with its last subscriber", () => {
    const regex = { subscribedTopicNames: null, subscribedTopicRegex: "t" };
    world.join("m", regex);
    world.join("n", regex);
    world.beat({ memberId: "m", memberEpoch: -1 });
    expect(world.group().regexes.size).toBe(1);
    world.beat({ memberId: "n", memberEpoch: -1 });
    expect(world.group().regexes.size).toBe(0);
  });

  it("are assigned by the assignor that most members name", () => {
    world.setTopics({ t: 3, u: 3 });
    const both = { subscribedTopicNames: ["t", "u"] };
    world.join("a", both);
    world.join("b", { ...both, serverAssignor: "range" });
    const target = (id: string) => [...world.group().target(id)!.values()].map((set) => [...set]);
    expect(target("a")).toEqual([
      [0, 1],
      [0, 1],
    ]);
    expect(target("b")).toEqual([[2], [2]]);
  });
});
