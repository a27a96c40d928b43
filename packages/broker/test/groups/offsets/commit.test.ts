import { ErrorCode, type GroupRecord, ZERO_UUID } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";

import { forgetTopics } from "../../../src/groups/operations/forget-topics.ts";

import { SeededRandom, seedOf } from "../../env/seeded-random.ts";
import { imageOf, OffsetWorld, tombstone, topicId } from "./support.ts";

describe("committing offsets", () => {
  it("records an offset with its topic id and the commit time", () => {
    const world = new OffsetWorld();
    const { records } = world.commit("g", "t", 3, 42);
    expect(records).toEqual([
      {
        record: "OffsetCommit",
        key: { group: "g", topic: "t", partition: 3 },
        value: {
          offset: 42,
          leaderEpoch: -1,
          metadata: "",
          commitTimestamp: world.time.wallMs(),
          expireTimestamp: -1,
          topicId: topicId("t"),
        },
      },
    ]);
  });

  it("records the request's own retention in the record version with an expiry time", () => {
    const world = new OffsetWorld();
    const { records } = world.commit("g", "t", 3, 42, { retentionTimeMs: 1_000n });
    expect(records[0]!.value).toMatchObject({
      expireTimestamp: world.time.wallMs() + 1_000,
      topicId: ZERO_UUID,
    });
    expect(world.replayed().offsets.get("g", "t", 3)).toEqual(records[0]!.value);
  });

  it.each([
    [0n, 1_700_000_000_000],
    [-(2n ** 63n), 0],
    [2n ** 63n - 1n, Number.MAX_SAFE_INTEGER],
  ])("accepts a retention of %d ms", (retentionTimeMs, expireTimestamp) => {
    const world = new OffsetWorld();
    const { records } = world.commit("g", "t", 0, 1, { retentionTimeMs });
    expect(records[0]!.value).toMatchObject({ expireTimestamp });
    expect(world.replayed().offsets.get("g", "t", 0)).toEqual(records[0]!.value);
  });

  it("extends the member's session, unless the commit is refused", () => {
    const world = new OffsetWorld();
    const alive: string[] = [];
    world.addGroup({
      groupId: "g",
      validateOffsetCommit: (memberId) => (memberId === "m" ? 0 : ErrorCode.UNKNOWN_MEMBER_ID),
      committed: (memberId) => void alive.push(memberId),
    });
    const fields = { generationIdOrMemberEpoch: 1 };
    expect(world.commit("g", "t", 0, 1, { memberId: "m", ...fields }).records).toHaveLength(1);
    expect(world.commit("g", "t", 0, 2, { memberId: "x", ...fields }).records).toEqual([]);
    expect(alive).toEqual(["m"]);
    expect(world.state.offsets.get("g", "t", 0)?.offset).toBe(1);
  });

  it("refuses a small request that would write very many bytes", () => {
    const world = new OffsetWorld();
    const groupId = "g".repeat(30_000);
    const partitions = Array.from({ length: 1_000 }, () => ({
      partitionIndex: 0,
      committedOffset: 1,
      committedLeaderEpoch: -1,
      committedMetadata: null,
    }));
    const topics = [{ name: "t", topicId: ZERO_UUID, partitions }];
    const { answer, records } = world.commit(groupId, "t", 0, 0, { topics });
    const codes = new Set(answer.topics[0]!.partitions.map(({ errorCode }) => errorCode));
    expect([...codes]).toEqual([ErrorCode.INVALID_COMMIT_OFFSET_SIZE]);
    expect(records).toEqual([]);
  });
});

describe("deleted topics", () => {
  it("lose their offsets", () => {
    const world = new OffsetWorld();
    world.commit("g", "t", 0, 1);
    world.commit("g", "t", 1, 1);
    world.commit("h", "t", 0, 1);
    world.commit("h", "u", 0, 1);
    world.image = imageOf({ u: topicId("u") });
    const records = world.step((turn) => forgetTopics(turn, ["t", "x"]));
    expect(records).toEqual([
      tombstone("g", "t", 0),
      tombstone("g", "t", 1),
      tombstone("h", "t", 0),
    ]);
    expect([...world.state.offsets.groupIds()]).toEqual(["h"]);
    expect(world.state.offsets.size).toBe(1);
  });

  it("lose them also when recreated, or deleted while the shard was not loaded", () => {
    const world = new OffsetWorld();
    world.commit("g", "t", 0, 1);
    world.image = imageOf({ t: topicId("t", 1), u: topicId("u") });
    world.commit("g", "t", 1, 1);
    world.commit("g", "t", 2, 1, { retentionTimeMs: 1_000n });
    world.commit("g", "u", 0, 1);
    expect(world.loaded()).toEqual([tombstone("g", "t", 0)]);
    world.image = imageOf({ t: topicId("t", 2) });
    expect(world.step((turn) => forgetTopics(turn, ["t"]))).toEqual([
      tombstone("g", "t", 1),
      tombstone("g", "t", 2),
    ]);
    expect(world.loaded()).toEqual([tombstone("g", "u", 0)]);
  });
});

it("a replay of the records or of a snapshot gives the live state", () => {
  const random = new SeededRandom(seedOf("offsets"));
  const world = new OffsetWorld();
  for (let i = 0; i < 3_000; i++) {
    const groupId = random.pick(["g", "h", "i"]);
    const topic = random.pick(["t", "u", "v"]);
    const partition = random.below(5);
    const roll = random.next();
    if (roll < 0.9) {
      const retentionTimeMs = random.chance(0.1) ? BigInt(random.below(1e6)) : -1n;
      world.commit(groupId, topic, partition, random.below(2 ** 40), { retentionTimeMs });
    } else if (roll < 0.95) {
      const { offsets } = world.state;
      world.step((turn) => turn.appendAll(offsets.deleteGroup(groupId)));
    } else if (roll < 0.97) {
      const incarnation = random.below(9);
      world.image = imageOf({ t: topicId("t", incarnation), u: topicId("u"), v: topicId("v") });
      world.step((turn) => forgetTopics(turn, ["t"]));
    } else {
      world.advance(random.below(2 * 86_400_000));
    }
    if (i % 100 === 0) check();
  }
  check();

  function check(): void {
    const live = contents(world.snapshot());
    const replayed = world.replayed();
    expect(contents(world.snapshot(replayed))).toEqual(live);
    expect(replayed.offsets.size).toBe(live.size);
    expect(world.state.offsets.size).toBe(live.size);
    world.log.splice(0, world.log.length, ...world.snapshot(replayed));
  }
});

function contents(records: readonly GroupRecord[]): Map<string, unknown> {
  return new Map(records.map(({ key, value }) => [JSON.stringify(key), value]));
}
