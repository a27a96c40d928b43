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
  it("are accepted or refused by the member's epoch", () => {
    world.join("a");
    const group = world.group();
    const validate = (memberId: string, generation: number, version: number | null = 9) =>
      group.validateOffsetCommit(memberId, null, generation, version, () => [
        { topicId: T, partitions: [0] },
      ]);
    expect(validate("a", 1)).toBe(0);
    expect(validate("a", 1, 8)).toBe(ErrorCode.UNSUPPORTED_VERSION);
    expect(validate("a", 0)).toBe(ErrorCode.STALE_MEMBER_EPOCH);
    expect(validate("x", 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(validate("", -1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    // In a transaction any version is right, and old clients name no member.
    expect(validate("a", 1, null)).toBe(0);
    expect(validate("a", 0, null)).toBe(ErrorCode.STALE_MEMBER_EPOCH);
    expect(validate("x", 1, null)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(validate("", -1, null)).toBe(0);
    expect(group.validateOffsetFetch("a", 1)).toBe(0);
    expect(group.validateOffsetFetch("a", 2)).toBe(ErrorCode.STALE_MEMBER_EPOCH);
    expect(group.validateOffsetFetch(null, -1)).toBe(0);
    expect(group.validateOffsetFetch(null, 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    world.beat({ memberId: "a", memberEpoch: -1 });
    expect(validate("", -1)).toBe(0);
  });

  it("may have an older epoch if the member had the partitions by then (KIP-1251)", () => {
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
    const validate = (memberId: string, generation: number, ...partitions: number[]) =>
      group.validateOffsetCommit(memberId, null, generation, 9, () => [{ topicId: T, partitions }]);
    const { STALE_MEMBER_EPOCH } = ErrorCode;
    expect(validate("a", 1, 0, 1)).toBe(0);
    expect(validate("a", 2, 0, 1)).toBe(0);
    expect(validate("a", 1, 0, 2)).toBe(STALE_MEMBER_EPOCH);
    expect(validate("a", 0, 0)).toBe(STALE_MEMBER_EPOCH);
    expect(validate("a", 3, 0)).toBe(STALE_MEMBER_EPOCH);
    expect(validate("b", 1, 2)).toBe(STALE_MEMBER_EPOCH);
    // The member still owns the partitions that it has to revoke.
    world.join("c");
    world.join("d");
    give("a", 2, 0, 1);
    expect(group.members.get("a")!.revoking.size).toBe(1);
    expect(validate("a", 1, 0, 1)).toBe(0);
    expect(hardState(world.replayed())).toEqual(hardState(world.state));
  });

  it("of a static member that joined again are accepted only with its new id", () => {
    world.join("a", { instanceId: "i" });
    world.beat({ memberId: "a", memberEpoch: -2, instanceId: "i" });
    world.join("b", { instanceId: "i" });
    const group = world.group();
    const validate = (memberId: string) =>
      group.validateOffsetCommit(memberId, null, 0, 9, () => [{ topicId: T, partitions: [0] }]);
    expect(validate("b")).toBe(0);
    expect(validate("a")).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });
});
