import { ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import { bytes, DELAY_MS, Members, REBALANCE_MS, SESSION_MS, text } from "./members.ts";

/** Two members that have joined but not synced; the first is the leader. */
function joinedTwo(members: Members): [leader: string, follower: string] {
  const ids = [members.joinNew().memberId, members.joinNew().memberId];
  members.advance(2 * DELAY_MS);
  members.newRecords();
  return ids as [string, string];
}

describe("sync", () => {
  it("waits for the leader, whose assignment is recorded before any answer", () => {
    const members = new Members();
    const [leader, follower] = joinedTwo(members);
    const following = members.sync(follower, 1);
    expect(following.answered).toBe(false);
    expect(members.newRecords()).toEqual([]);
    const leading = members.sync(leader, 1, { [leader]: "a", [follower]: "b", stranger: "c" });
    const [record, ...more] = members.newRecords();
    expect(more).toEqual([]);
    expect(record).toMatchObject({
      record: "GroupMetadata",
      value: { generation: 1, leader, protocol: "range" },
    });
    const recorded = members.group.recorded.members;
    expect([...recorded].map(([id, { assignment }]) => [id, text(assignment)])).toEqual([
      [leader, "a"],
      [follower, "b"],
    ]);
    expect(text(leading.answer.assignment)).toBe("a");
    expect(text(following.answer.assignment)).toBe("b");
  });

  it("gets its answer at once in a stable group, as often as it is sent", () => {
    const members = new Members();
    const [leader, follower] = joinedTwo(members);
    members.sync(leader, 1, { [leader]: "a", [follower]: "b" });
    for (let i = 0; i < 2; i++) {
      expect(text(members.sync(follower, 1).answer.assignment)).toBe("b");
    }
    // A second sync of the leader changes nothing.
    expect(text(members.sync(leader, 1, { [leader]: "z" }).answer.assignment)).toBe("a");
    members.newRecords();
    members.crash();
    expect(text(members.sync(follower, 1).answer.assignment)).toBe("b");
    expect(members.newRecords()).toEqual([]);
  });

  it("returns an empty assignment to a member that the leader left out", () => {
    const members = new Members();
    const [leader, follower] = joinedTwo(members);
    const following = members.sync(follower, 1);
    members.sync(leader, 1, { [leader]: "a" });
    expect(following.answer).toMatchObject({ errorCode: 0, assignment: bytes("") });
  });

  it("is refused from unknown members, with another generation or protocol, in a rebalance", () => {
    const members = new Members();
    expect(members.sync("x", 1).answer.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    const [leader, follower] = joinedTwo(members);
    const errorOf = (...args: Parameters<Members["sync"]>) =>
      members.sync(...args).answer.errorCode;
    expect(errorOf("x", 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(errorOf(follower, 0)).toBe(ErrorCode.ILLEGAL_GENERATION);
    expect(errorOf(follower, 2)).toBe(ErrorCode.ILLEGAL_GENERATION);
    expect(errorOf(follower, 1, {}, { protocolName: "sticky" })).toBe(
      ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
    );
    expect(errorOf(follower, 1, {}, { groupId: "" })).toBe(ErrorCode.INVALID_GROUP_ID);
    const waiting = members.sync(follower, 1);
    members.join({ version: 3 });
    expect(waiting.answer.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect(errorOf(leader, 1, { [leader]: "late" })).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect(members.newRecords()).toEqual([]);
  });

  it("answers the earlier sync of the same member", () => {
    const members = new Members();
    const [leader, follower] = joinedTwo(members);
    const first = members.sync(follower, 1);
    const second = members.sync(follower, 1);
    expect(first.answer.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    members.sync(leader, 1, { [follower]: "b" });
    expect(text(second.answer.assignment)).toBe("b");
  });

  it("that does not come within the rebalance time-out removes its member", () => {
    const members = new Members();
    const [leader, follower] = joinedTwo(members);
    const following = members.sync(follower, 1);
    for (let waitedMs = 0; waitedMs < REBALANCE_MS - 1_000; waitedMs += 1_000) {
      members.advance(1_000);
      expect(members.beat(leader, 1)).toBe(ErrorCode.NONE);
    }
    expect(following.answered).toBe(false);
    members.advance(1_000);
    expect(following.answer.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect(members.beat(leader, 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    const joining = members.join({ memberId: follower });
    expect(joining.answer).toMatchObject({ generationId: 2, leader: follower });
  });

  it("that never comes removes a follower also from a stable group", () => {
    const members = new Members();
    const [leader, follower] = joinedTwo(members);
    members.sync(leader, 1, { [leader]: "a", [follower]: "b" });
    for (let waitedMs = 0; waitedMs < REBALANCE_MS; waitedMs += 5_000) {
      expect(members.beat(leader, 1)).toBe(ErrorCode.NONE);
      expect(members.beat(follower, 1)).toBe(ErrorCode.NONE);
      members.advance(5_000);
    }
    expect(members.beat(follower, 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(members.beat(leader, 1)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  });
});

describe("sessions", () => {
  it("end on the millisecond, and the other members rebalance", () => {
    const members = new Members();
    const [leader, follower] = members.stable(2);
    members.advance(1);
    members.beat(follower!, 1);
    members.advance(SESSION_MS - 2);
    expect(members.group.live.members.size).toBe(2);
    members.advance(1);
    expect([...members.group.live.members.keys()]).toEqual([follower]);
    expect(members.beat(leader!, 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(members.beat(follower!, 1)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect(members.newRecords()).toEqual([]);
    expect(members.join({ memberId: follower! }).answer).toMatchObject({
      generationId: 2,
      leader: follower,
    });
  });

  it("make the group empty when all end, and that is recorded", () => {
    const members = new Members();
    members.stable(3);
    members.advance(SESSION_MS);
    expect(members.newRecords()).toEqual([
      {
        record: "GroupMetadata",
        key: { group: "g" },
        value: {
          protocolType: "consumer",
          generation: 2,
          protocol: null,
          leader: null,
          currentStateTimestamp: members.time.wallMs(),
          members: [],
        },
      },
    ]);
    expect(members.group).toMatchObject({
      stateName: "Empty",
      emptySinceMs: members.time.wallMs(),
    });
    expect(members.deadlines.count).toBe(0);
  });

  it("do not end while the member waits for a join, and begin anew with the answer", () => {
    const members = new Members();
    const [leader, follower] = members.stable(2, { rebalanceTimeoutMs: 5 * SESSION_MS });
    const leading = members.join({ memberId: leader!, rebalanceTimeoutMs: 5 * SESSION_MS });
    for (let i = 0; i < 8; i++) {
      members.advance(SESSION_MS / 2);
      expect(members.beat(follower!, 1)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    }
    expect(leading.answered).toBe(false);
    members.join({ memberId: follower! });
    expect(leading.answer).toMatchObject({ errorCode: 0, generationId: 2 });
    members.advance(SESSION_MS - 1);
    expect(members.group.live.members.size).toBe(2);
  });

  it("begin anew when the leader has assigned, however long it took", () => {
    const members = new Members();
    const [leader, follower] = joinedTwo(members);
    members.sync(follower, 1);
    for (let i = 0; i < 3; i++) {
      members.advance(SESSION_MS / 2);
      members.beat(leader, 1);
    }
    members.syncAll([leader, follower], 1);
    members.advance(SESSION_MS - 1);
    expect(members.group.live.members.size).toBe(2);
    members.advance(1);
    expect(members.group.stateName).toBe("Empty");
  });

  it("begin anew after a crash", () => {
    const members = new Members();
    const [id] = members.stable(1);
    members.advance(SESSION_MS - 1);
    members.crash();
    members.advance(SESSION_MS - 1);
    expect(members.beat(id!, 1)).toBe(ErrorCode.NONE);
    members.advance(SESSION_MS);
    expect(members.beat(id!, 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it("are extended by a commit", () => {
    const members = new Members();
    const [id] = members.stable(1);
    members.advance(SESSION_MS - 1);
    members.commit(id!, 1);
    members.advance(SESSION_MS - 1);
    expect(members.beat(id!, 1)).toBe(ErrorCode.NONE);
  });

  it("cost a heartbeat one look-up, however many groups there are", () => {
    const members = new Members();
    const [id] = members.stable(1);
    for (let i = 0; i < 10_000; i++) members.join({ groupId: `other-${i}` });
    const { groups } = members.state;
    let looked = 0;
    const get = groups.get.bind(groups);
    groups.get = (groupId) => {
      looked++;
      return get(groupId);
    };
    groups.values =
      groups.entries =
      groups.keys =
      groups.forEach =
        () => {
          throw new Error("the heartbeat visited all groups");
        };
    for (let i = 0; i < 100; i++) expect(members.beat(id!, 1)).toBe(ErrorCode.NONE);
    expect(looked).toBe(100);
  });
});

describe("heartbeats", () => {
  it("are refused from unknown members and with another generation", () => {
    const members = new Members();
    expect(members.beat("x", 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    const [id] = members.stable(1);
    expect(members.beat("x", 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(members.beat(id!, 0)).toBe(ErrorCode.ILLEGAL_GENERATION);
    expect(members.beat(id!, 2)).toBe(ErrorCode.ILLEGAL_GENERATION);
    members.leave({ memberId: id! });
    expect(members.beat(id!, 2)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it("are accepted between join and sync", () => {
    const members = new Members();
    const [, follower] = joinedTwo(members);
    expect(members.beat(follower, 1)).toBe(ErrorCode.NONE);
  });
});

describe("leaving", () => {
  it("starts a rebalance, and makes the group empty when the last member leaves", () => {
    const members = new Members();
    const [leader, follower] = members.stable(2);
    expect(members.leave({ memberId: leader! })).toEqual({ errorCode: 0, memberErrors: [0] });
    expect(members.newRecords()).toEqual([]);
    expect(members.beat(follower!, 1)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    members.leave({ memberId: follower! });
    expect(members.newRecords()).toMatchObject([
      { value: { generation: 2, protocol: null, leader: null, members: [] } },
    ]);
    expect(members.group.validateDelete()).toBe(ErrorCode.NONE);
  });

  it("returns an error code for each member of the request", () => {
    const members = new Members();
    const [leader, follower] = members.stable(2);
    const pending = members.join().answer.memberId;
    const { UNKNOWN_MEMBER_ID } = ErrorCode;
    expect(
      members.leave(
        { memberId: "x" },
        { memberId: pending },
        { memberId: follower! },
        { memberId: follower! },
        { memberId: "" },
        { groupInstanceId: "nobody" },
      ),
    ).toEqual({
      errorCode: 0,
      memberErrors: [
        UNKNOWN_MEMBER_ID,
        0,
        0,
        UNKNOWN_MEMBER_ID,
        UNKNOWN_MEMBER_ID,
        UNKNOWN_MEMBER_ID,
      ],
    });
    expect([...members.group.live.members.keys()]).toEqual([leader]);
  });

  it("of an unknown member changes nothing", () => {
    const members = new Members();
    const { UNKNOWN_MEMBER_ID } = ErrorCode;
    expect(members.leave({ memberId: "x" }).memberErrors).toEqual([UNKNOWN_MEMBER_ID]);
    members.stable(1);
    expect(members.leave({ memberId: "x" }).memberErrors).toEqual([UNKNOWN_MEMBER_ID]);
    expect(members.group.stateName).toBe("Stable");
  });

  it("answers the waiting requests of the member that leaves", () => {
    const members = new Members();
    const [, follower] = joinedTwo(members);
    const syncing = members.sync(follower, 1);
    members.leave({ memberId: follower });
    expect(syncing.answer.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    const { memberId, joining } = members.joinNew();
    members.leave({ memberId });
    expect(joining.answer.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it("completes a rebalance that waited only for the member that leaves", () => {
    const members = new Members();
    const [leader, follower] = members.stable(2);
    const leading = members.join({ memberId: leader! });
    members.leave({ memberId: follower! });
    expect(leading.answer).toMatchObject({ generationId: 2 });
  });
});

describe("commits", () => {
  it("are accepted or refused by member, generation and state", () => {
    const members = new Members();
    const validate = (memberId: string, generation: number, instance: string | null = null) =>
      members.group.validateOffsetCommit(memberId, instance, generation, 9);
    const inTransaction = (memberId: string, generation: number, instance: string | null = null) =>
      members.group.validateOffsetCommit(memberId, instance, generation, null);
    members.join();
    expect(validate("", -1)).toBe(ErrorCode.NONE);
    expect(validate("x", 0)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    const [leader, follower] = joinedTwo(members);
    expect(validate(leader, 1)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect(inTransaction(leader, 1)).toBe(ErrorCode.NONE);
    expect(inTransaction(leader, 0)).toBe(ErrorCode.ILLEGAL_GENERATION);
    members.syncAll([leader, follower], 1);
    expect(validate(leader, 1)).toBe(ErrorCode.NONE);
    expect(validate(leader, 0)).toBe(ErrorCode.ILLEGAL_GENERATION);
    expect(validate("x", 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(validate("", -1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(validate(leader, 1, "i")).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    // Old clients name no member in a transaction; whoever names one is checked.
    expect(inTransaction("", -1)).toBe(ErrorCode.NONE);
    expect(inTransaction("", -1, "i")).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(inTransaction(leader, -1)).toBe(ErrorCode.ILLEGAL_GENERATION);
    // In PreparingRebalance members still commit, before they give up their partitions.
    members.join({ version: 3 });
    expect(validate(leader, 1)).toBe(ErrorCode.NONE);
  });
});
