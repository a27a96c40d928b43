import { ErrorCode } from "@tarpan/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { ConsumerWorld, hardState, topicId } from "./world.ts";

const T = topicId("t");
let world: ConsumerWorld;

beforeEach(() => {
  world = new ConsumerWorld();
  world.setTopics({ t: 4 });
});

describe("commits and reads of offsets", () => {
  it("are judged by the member's epoch", () => {
    world.join("a");
    const group = world.group();
    const judge = (memberId: string, generation: number, version = 9) =>
      group.judgeOffsetCommit(memberId, null, generation, version, () => [
        { topicId: T, partitions: [0] },
      ]);
    expect(judge("a", 1)).toBe(0);
    expect(judge("a", 1, 8)).toBe(ErrorCode.UNSUPPORTED_VERSION);
    expect(judge("a", 0)).toBe(ErrorCode.STALE_MEMBER_EPOCH);
    expect(judge("x", 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(judge("", -1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(group.judgeOffsetFetch("a", 1)).toBe(0);
    expect(group.judgeOffsetFetch("a", 2)).toBe(ErrorCode.STALE_MEMBER_EPOCH);
    expect(group.judgeOffsetFetch(null, -1)).toBe(0);
    expect(group.judgeOffsetFetch(null, 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    world.beat({ memberId: "a", memberEpoch: -1 });
    expect(judge("", -1)).toBe(0);
  });

  it("may be of an older epoch for what the member has held since (KIP-1251)", () => {
    const give = (memberId: string, memberEpoch: number, ...partitions: number[]) =>
      world.beat({ memberId, memberEpoch, topicPartitions: [{ topicId: T, partitions }] });
    world.join("a");
    world.join("b");
    give("a", 1, 0, 1, 2, 3);
    give("a", 1, 0, 1);
    world.beat({ memberId: "b", memberEpoch: 2 });
    const group = world.group();
    expect(group.members.get("a")).toMatchObject({
      epoch: 2,
      assigned: new Map([[T, new Set([0, 1])]]),
    });
    const judge = (memberId: string, generation: number, ...partitions: number[]) =>
      group.judgeOffsetCommit(memberId, null, generation, 9, () => [{ topicId: T, partitions }]);
    const { STALE_MEMBER_EPOCH } = ErrorCode;
    expect(judge("a", 1, 0, 1)).toBe(0);
    expect(judge("a", 2, 0, 1)).toBe(0);
    expect(judge("a", 1, 0, 2)).toBe(STALE_MEMBER_EPOCH);
    expect(judge("a", 0, 0)).toBe(STALE_MEMBER_EPOCH);
    expect(judge("a", 3, 0)).toBe(STALE_MEMBER_EPOCH);
    expect(judge("b", 1, 2)).toBe(STALE_MEMBER_EPOCH);
    // What it shall give up it still has.
    world.join("c");
    world.join("d");
    give("a", 2, 0, 1);
    expect(group.members.get("a")!.revoking.size).toBe(1);
    expect(judge("a", 1, 0, 1)).toBe(0);
    expect(hardState(world.replayed())).toEqual(hardState(world.state));
  });

  it("of a static member that came back are fenced by its new id alone", () => {
    world.join("a", { instanceId: "i" });
    world.beat({ memberId: "a", memberEpoch: -2, instanceId: "i" });
    world.join("b", { instanceId: "i" });
    const group = world.group();
    const judge = (memberId: string) =>
      group.judgeOffsetCommit(memberId, null, 0, 9, () => [{ topicId: T, partitions: [0] }]);
    expect(judge("b")).toBe(0);
    expect(judge("a")).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });
});
