import { ErrorCode, type GroupRecord } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { EXPIRED_PER_TURN } from "../../../src/groups/limits.ts";
import { CHECK_MS, OffsetWorld, RETENTION_MS, tombstone } from "./support.ts";

const DAY_MS = 86_400_000;
const goneGroup: GroupRecord = { record: "GroupMetadata", key: { group: "g" }, value: null };

describe("expiry of offsets", () => {
  it("counts from the commit for standalone consumers", () => {
    const world = new OffsetWorld();
    world.commit("g", "t", 0, 1);
    expect(world.advance(DAY_MS)).toEqual([]);
    world.commit("g", "t", 1, 1);
    expect(world.advance(RETENTION_MS - DAY_MS - 1)).toEqual([]);
    expect(world.advance(CHECK_MS)).toEqual([tombstone("g", "t", 0)]);
    expect(world.state.offsets.hasGroup("g")).toBe(true);
    expect(world.advance(DAY_MS)).toEqual([tombstone("g", "t", 1)]);
    expect(world.state.offsets.hasGroup("g")).toBe(false);
  });

  it("begins anew with every commit", () => {
    const world = new OffsetWorld();
    for (let day = 0; day < 20; day++) {
      world.commit("g", "t", 0, day);
      expect(world.advance(DAY_MS)).toEqual([]);
    }
  });

  it("obeys the retention of the commit request", () => {
    const world = new OffsetWorld();
    world.commit("g", "t", 0, 1, { retentionTimeMs: BigInt(CHECK_MS) });
    world.commit("g", "t", 1, 1, { retentionTimeMs: BigInt(2 * RETENTION_MS) });
    expect(world.advance(CHECK_MS)).toEqual([tombstone("g", "t", 0)]);
    expect(world.advance(2 * RETENTION_MS - CHECK_MS - 1)).toEqual([]);
    expect(world.advance(CHECK_MS)).toEqual([tombstone("g", "t", 1)]);
  });

  for (const years of [1, -1])
    it(`counts anew from a jump of the wall clock by ${years} year`, () => {
      const world = new OffsetWorld();
      world.commit("g", "t", 0, 1);
      world.commit("g", "t", 1, 1, { retentionTimeMs: BigInt(2 * RETENTION_MS) });
      world.advance(RETENTION_MS - DAY_MS);
      world.time.jumpWallTo(world.time.wallMs() + years * 365 * DAY_MS);
      world.commit("g", "u", 0, 1);
      expect(world.advance(RETENTION_MS - CHECK_MS)).toEqual([]);
      // Back, and forth again: offsets from before the jump are kept no shorter.
      world.time.jumpWallTo(world.time.wallMs() - years * 365 * DAY_MS);
      expect(world.advance(RETENTION_MS - CHECK_MS)).toEqual([]);
      const expired = world.advance(RETENTION_MS + 2 * CHECK_MS);
      expect(expired).toContainEqual(tombstone("g", "t", 0));
      expect(expired).toContainEqual(tombstone("g", "t", 1));
    });

  it("counts from the time when the group became empty, and deletes the group too", () => {
    const world = new OffsetWorld();
    world.commit("g", "t", 0, 1);
    world.advance(DAY_MS);
    const group = {
      groupId: "g",
      emptySinceMs: world.time.wallMs(),
      tombstones: () => [goneGroup],
    };
    world.addGroup(group);
    expect(world.advance(RETENTION_MS - 1)).toEqual([]);
    expect(world.advance(CHECK_MS)).toEqual([tombstone("g", "t", 0), goneGroup]);
  });

  it("gives an offset that is committed in an empty group the full retention", () => {
    const world = new OffsetWorld();
    world.addGroup({ groupId: "g", emptySinceMs: world.time.wallMs() });
    world.commit("g", "t", 0, 1);
    world.advance(RETENTION_MS - DAY_MS);
    world.commit("g", "t", 1, 1);
    expect(world.advance(2 * DAY_MS)).toEqual([tombstone("g", "t", 0)]);
    expect(world.advance(RETENTION_MS)).toEqual([tombstone("g", "t", 1)]);
  });

  it("deletes an empty group without offsets at the first check", () => {
    const world = new OffsetWorld();
    world.addGroup({ groupId: "g", tombstones: () => [goneGroup] });
    expect(world.advance(CHECK_MS - 1)).toEqual([]);
    expect(world.advance(1)).toEqual([goneGroup]);
  });

  it("keeps a group with members, and the offsets of the topics it is subscribed to", () => {
    const world = new OffsetWorld();
    world.commit("g", "t", 0, 1);
    world.commit("g", "u", 0, 1);
    world.addGroup({
      groupId: "g",
      stateName: "Stable",
      emptySinceMs: null,
      isSubscribedTo: (topic) => topic === "t",
      validateDelete: () => ErrorCode.NON_EMPTY_GROUP,
      tombstones: () => [goneGroup],
    });
    expect(world.advance(2 * RETENTION_MS)).toEqual([tombstone("g", "u", 0)]);
  });

  const WITH_MEMBERS = { emptySinceMs: null, validateDelete: () => ErrorCode.NON_EMPTY_GROUP };
  it.each([
    ["a rebalancing classic group", { stateName: "PreparingRebalance" }, 0],
    ["a group of another protocol type", { stateName: "Stable", protocolType: "connect" }, 0],
    ["a reconciling consumer group", { kind: "consumer", stateName: "Reconciling" }, 1],
  ] as const)("in %s", (_name, fields, expired) => {
    const world = new OffsetWorld();
    world.commit("g", "t", 0, 1);
    world.addGroup({ groupId: "g", ...WITH_MEMBERS, ...fields });
    expect(world.advance(2 * RETENTION_MS)).toHaveLength(expired);
  });

  it("runs in turns of bounded size", () => {
    const world = new OffsetWorld();
    const groups = 2 * EXPIRED_PER_TURN + 1;
    for (let i = 0; i < groups; i++) world.commit(`g${i}`, "t", 0, 1, { retentionTimeMs: 0n });
    const sizes: number[] = [];
    world.onTurn = (records) => sizes.push(records.length);
    world.advance(CHECK_MS + 2);
    expect(sizes.filter((size) => size > 0)).toEqual([EXPIRED_PER_TURN, EXPIRED_PER_TURN, 1]);
    expect(world.state.offsets.size).toBe(0);
  });
});
