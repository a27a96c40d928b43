import { ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { topicId } from "./support.ts";
import { type Offset, TransactionWorld } from "./transaction-world.ts";

const {
  NONE,
  ILLEGAL_GENERATION,
  INVALID_PRODUCER_EPOCH,
  INVALID_TXN_STATE,
  NOT_COORDINATOR,
  TRANSACTION_COORDINATOR_FENCED,
  UNKNOWN_MEMBER_ID,
} = ErrorCode;
const T0: Offset[] = [["t", 0, 5]];

describe("a transaction's first commit", () => {
  it("is verified, the later ones are not", () => {
    const world = new TransactionWorld();
    const first = world.begin("g", T0, {});
    expect(first).toHaveProperty("unverified");
    expect(world.log).toEqual([]);
    if ("answer" in first) throw new Error("not verified");
    expect(world.finish("g", T0, first.unverified)).toEqual([NONE]);
    expect(world.begin("g", T0, {})).toHaveProperty("answer");
    world.restart();
    expect(world.begin("g", T0, {})).toHaveProperty("answer");
    expect(world.begin("g", T0, { producerEpoch: 1 })).toHaveProperty("unverified");
    world.end(true);
    expect(world.begin("g", T0, {})).toHaveProperty("unverified");
  });

  it("is sent again if a later one was verified sooner, and does not replace it", () => {
    const world = new TransactionWorld();
    const slow = world.begin("g", [["t", 0, 1]], {});
    const fast = world.begin("g", T0, {});
    if ("answer" in slow || "answer" in fast) throw new Error("not verified");
    expect(world.finish("g", T0, fast.unverified)).toEqual([NONE]);
    expect(world.finish("g", [["t", 0, 1]], slow.unverified)).toEqual([NOT_COORDINATOR]);
    expect(world.commitPending("h", T0)).toEqual([NONE]);
    world.end(true);
    expect([world.offset("g"), world.offset("h")]).toEqual([5, 5]);
  });

  it("does not become part of the next transaction", () => {
    const world = new TransactionWorld();
    const slow = world.begin("g", T0, { version: 4 });
    if ("answer" in slow) throw new Error("not verified");
    world.end(true);
    world.commitPending("h", T0, { version: 4 });
    const codes = world.finish("g", T0, slow.unverified, { version: 4 });
    expect(codes).toEqual([NOT_COORDINATOR]);
  });

  it.each([
    [4, false, INVALID_TXN_STATE],
    [5, true, INVALID_PRODUCER_EPOCH],
  ])("is refused if the transaction ends meanwhile, at version %i", (version, bumpsEpoch, code) => {
    const world = new TransactionWorld();
    const first = world.begin("g", T0, { version });
    if ("answer" in first) throw new Error("not verified");
    const producerEpoch = bumpsEpoch ? 1 : 0;
    expect(world.end(false, { bumpsEpoch, producerEpoch })).toBe(NONE);
    expect(world.finish("g", T0, first.unverified, { version })).toEqual([code]);
    expect(world.state.offsets.pending.hasGroup("g")).toBe(false);
  });

  it("is sent again if the coordinator was loaded anew meanwhile", () => {
    const world = new TransactionWorld();
    const first = world.begin("g", T0, {});
    if ("answer" in first) throw new Error("not verified");
    world.crash();
    expect(world.finish("g", T0, first.unverified)).toEqual([NOT_COORDINATOR]);
    expect(world.commitPending("g", T0)).toEqual([NONE]);
  });

  it("is not verified without a valid offset", () => {
    const world = new TransactionWorld();
    const unknown: Offset[] = [["nowhere", 0, 1]];
    expect(world.commitPending("g", unknown)).toEqual([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
    const large = { topics: [{ ...topicOf("t"), partitions: [partitionOf("x".repeat(4_097))] }] };
    expect(world.commitPending("g", [], large)).toEqual([ErrorCode.OFFSET_METADATA_TOO_LARGE]);
    const many = Array.from({ length: 1_000 }, () => partitionOf("m"));
    const huge = { topics: [{ ...topicOf("t"), partitions: many }] };
    const codes = new Set(world.commitPending("g".repeat(30_000), [], huge));
    expect([...codes]).toEqual([ErrorCode.INVALID_COMMIT_OFFSET_SIZE]);
    expect(world.log).toEqual([]);
  });
});

const topicOf = (name: string) => ({ name, topicId: topicId(name) });
const partitionOf = (committedMetadata: string) => {
  return { partitionIndex: 0, committedOffset: 1, committedLeaderEpoch: -1, committedMetadata };
};

describe("fencing", () => {
  it("refuses the commits of older producer epochs", () => {
    const world = new TransactionWorld();
    world.commitPending("g", T0, { producerEpoch: 3 });
    expect(world.commitPending("g", T0, { producerEpoch: 2 })).toEqual([INVALID_PRODUCER_EPOCH]);
    world.end(false, { producerEpoch: 4 });
    world.restart();
    expect(world.commitPending("g", T0, { producerEpoch: 3 })).toEqual([INVALID_PRODUCER_EPOCH]);
    expect(world.commitPending("g", T0, { producerEpoch: 4 })).toEqual([NONE]);
  });

  it("drops what an older epoch has left when a newer one commits", () => {
    const world = new TransactionWorld();
    world.commitPending("g", [["u", 0, 1]]);
    world.commitPending("g", T0, { producerEpoch: 1 });
    world.end(true, { producerEpoch: 1 });
    expect(world.fetch("g", true).topics[1]!.partitions[0]!.committedOffset).toBe(-1);
    expect(world.offset("g")).toBe(5);
  });

  it("refuses markers of older producer and coordinator epochs", () => {
    const world = new TransactionWorld();
    world.commitPending("g", T0, { producerEpoch: 3 });
    expect(world.end(true, { producerEpoch: 2 })).toBe(INVALID_PRODUCER_EPOCH);
    expect(world.end(true, { producerEpoch: 3, bumpsEpoch: true })).toBe(INVALID_PRODUCER_EPOCH);
    const bumped = { producerEpoch: 4, bumpsEpoch: true, coordinatorEpoch: 2 };
    expect(world.end(true, bumped)).toBe(NONE);
    expect(world.offset("g", true)).toBe(5);
    // The marker may be sent again: its answer was lost, or the coordinator was loaded anew.
    expect(world.end(true, { ...bumped, coordinatorEpoch: 3 })).toBe(NONE);
    expect(world.end(true, bumped)).toBe(TRANSACTION_COORDINATOR_FENCED);
  });

  it("remembers the marker of a producer that committed nothing here", () => {
    const world = new TransactionWorld();
    expect(world.end(false, { producerEpoch: 2 })).toBe(NONE);
    world.restart();
    expect(world.commitPending("g", T0, { producerEpoch: 1 })).toEqual([INVALID_PRODUCER_EPOCH]);
  });

  it.each([0, 5])("needs no member at version %i", (version) => {
    const world = new TransactionWorld();
    world.addGroup({ groupId: "g", stateName: "Stable", validateOffsetCommit: () => NONE });
    expect(world.commitPending("g", T0, { version })).toEqual([NONE]);
  });

  it.each([
    [3, ErrorCode.STALE_MEMBER_EPOCH, ILLEGAL_GENERATION],
    [5, ErrorCode.STALE_MEMBER_EPOCH, ILLEGAL_GENERATION],
    [6, ErrorCode.STALE_MEMBER_EPOCH, ErrorCode.STALE_MEMBER_EPOCH],
    [5, ILLEGAL_GENERATION, ILLEGAL_GENERATION],
    [5, UNKNOWN_MEMBER_ID, UNKNOWN_MEMBER_ID],
    [6, ErrorCode.FENCED_INSTANCE_ID, ErrorCode.FENCED_INSTANCE_ID],
  ])("answers at version %i the group's %i with %i", (version, code, answered) => {
    const world = new TransactionWorld();
    const asked: unknown[] = [];
    world.addGroup({
      groupId: "g",
      validateOffsetCommit: (...member) => {
        asked.push([...member.slice(0, 4), member[4]()]);
        return code;
      },
    });
    const partitions = [partitionOf("m")];
    const topics = [{ name: "t", topicId: topicId("t"), partitions }];
    const member = { memberId: "m", groupInstanceId: "i", generationIdOrMemberEpoch: 4 };
    expect(world.commitPending("g", [], { version, topics, ...member })).toEqual([answered]);
    const wanted = [{ topicId: topicId("t"), partitions: [0] }];
    expect(asked).toEqual([["m", "i", 4, null, wanted]]);
    expect(world.log).toEqual([]);
  });

  it.each([
    [5, ILLEGAL_GENERATION],
    [6, ErrorCode.GROUP_ID_NOT_FOUND],
  ])("refuses members of an unknown group, at version %i", (version, code) => {
    const world = new TransactionWorld();
    const partitions = [partitionOf("m")];
    const topics = [{ name: "t", topicId: topicId("t"), partitions }];
    const member = { version, topics, memberId: "m", generationIdOrMemberEpoch: 0 };
    expect(world.commitPending("g", [], member)).toEqual([code]);
    // A group that is known by its pending offsets is an empty group.
    expect(world.commitPending("g", T0)).toEqual([NONE]);
    expect(world.commitPending("g", [], member)).toEqual([UNKNOWN_MEMBER_ID]);
  });
});
