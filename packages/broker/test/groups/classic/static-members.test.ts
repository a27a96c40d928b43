import { ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import {
  bytes,
  DELAY_MS,
  Members,
  RANGE,
  REBALANCE_MS,
  SESSION_MS,
  SUBSCRIPTION,
  subscriptionTo,
  text,
} from "./members.ts";

/** Makes a stable group of two static members, `one` (the leader) and `two`. Returns their ids. */
function stableTwo(members: Members): [one: string, two: string] {
  const joining = ["one", "two"].map((groupInstanceId) => members.join({ groupInstanceId }));
  members.advance(2 * DELAY_MS);
  const ids = joining.map(({ answer }) => answer.memberId) as [string, string];
  members.syncAll(ids, 1);
  members.newRecords();
  return ids;
}

it("a static member joins without an id, and gets one that begins with its instance id", () => {
  const members = new Members();
  const [one] = stableTwo(members);
  expect(one).toMatch(/^one-[0-9a-f-]{36}$/);
  expect(members.group.recorded.members.get(one)).toMatchObject({
    groupInstanceId: "one",
    assignment: bytes("p0"),
  });
});

describe("a static member that joins again without its id", () => {
  it("keeps its assignment, is recorded under a new id, and causes no rebalance", () => {
    const members = new Members();
    const [one, two] = stableTwo(members);
    const back = members.join({ groupInstanceId: "two" }).answer;
    expect(back).toMatchObject({ errorCode: 0, generationId: 1, leader: one, members: [] });
    expect(back.memberId).not.toBe(two);
    const [record, ...more] = members.newRecords();
    expect(more).toEqual([]);
    expect(record).toMatchObject({
      value: {
        generation: 1,
        leader: one,
        currentStateTimestamp: members.group.live.stateSinceMs,
        members: [
          { memberId: one, groupInstanceId: "one", assignment: bytes("p0") },
          { memberId: back.memberId, groupInstanceId: "two", assignment: bytes("p1") },
        ],
      },
    });
    expect(members.beat(one, 1, "one")).toBe(ErrorCode.NONE);
    expect(text(members.sync(back.memberId, 1).answer.assignment)).toBe("p1");
    const { FENCED_INSTANCE_ID, UNKNOWN_MEMBER_ID } = ErrorCode;
    expect(members.beat(two, 1, "two")).toBe(FENCED_INSTANCE_ID);
    expect(members.beat(two, 1)).toBe(UNKNOWN_MEMBER_ID);
    const fields = { memberId: two, groupInstanceId: "two" };
    expect(members.join(fields).answer.errorCode).toBe(FENCED_INSTANCE_ID);
    expect(members.sync(two, 1, {}, { groupInstanceId: "two" }).answer.errorCode).toBe(
      FENCED_INSTANCE_ID,
    );
    expect(members.leave(fields).memberErrors).toEqual([FENCED_INSTANCE_ID]);
    expect(members.group.validateOffsetCommit(two, "two", 1, 9)).toBe(FENCED_INSTANCE_ID);
  });

  it("as the leader, sees its former id as the leader's, so that it assigns nothing", () => {
    const members = new Members();
    const [one, two] = stableTwo(members);
    const back = members.join({ groupInstanceId: "one", version: 8 }).answer;
    expect(back).toMatchObject({ errorCode: 0, leader: one, members: [] });
    expect(members.group.live.leader).toBe(back.memberId);
    expect(members.newRecords()).toMatchObject([{ value: { leader: back.memberId } }]);
    expect(members.beat(two, 1)).toBe(ErrorCode.NONE);
  });

  it("as the leader, learns from version 9 on that it leads and may skip the assignment", () => {
    const members = new Members();
    stableTwo(members);
    const leading = members.join({ groupInstanceId: "one", version: 9 }).answer;
    expect(leading).toMatchObject({ leader: leading.memberId, skipAssignment: true });
    expect(leading.members).toHaveLength(2);
    const following = members.join({ groupInstanceId: "two", version: 9 }).answer;
    expect(following).toMatchObject({ skipAssignment: false, members: [] });
  });

  it("with other topics but the same protocol is recorded without a rebalance", () => {
    const members = new Members();
    stableTwo(members);
    const protocols = [{ name: "range", metadata: subscriptionTo("u") }];
    members.join({ groupInstanceId: "two", protocols });
    expect(members.group.stateName).toBe("Stable");
    expect(members.group.isSubscribedTo("u")).toBe(true);
    members.crash();
    expect(members.group.isSubscribedTo("u")).toBe(true);
    expect(members.group.isSubscribedTo("v")).toBe(false);
  });

  it("with a change of the protocol starts a rebalance", () => {
    const members = new Members();
    const offer = (...names: string[]) => names.map((name) => ({ name, metadata: SUBSCRIPTION }));
    const first = members.join({ groupInstanceId: "one", protocols: offer("range", "sticky") });
    members.advance(DELAY_MS);
    const { memberId, protocolName } = first.answer;
    expect(protocolName).toBe("range");
    members.syncAll([memberId], 1);
    const protocols = offer("sticky", "range");
    const back = members.join({ groupInstanceId: "one", protocols });
    expect(back.answer).toMatchObject({ generationId: 2, protocolName: "sticky" });
  });

  it("while the leader assigns, starts a rebalance", () => {
    const members = new Members();
    const joining = ["one", "two"].map((groupInstanceId) => members.join({ groupInstanceId }));
    members.advance(2 * DELAY_MS);
    const [one, two] = joining.map(({ answer }) => answer.memberId);
    const syncing = members.sync(two!, 1);
    const back = members.join({ groupInstanceId: "two" });
    expect(syncing.answer.errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID);
    expect(members.sync(one!, 1).answer.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    const again = members.join({ memberId: one!, groupInstanceId: "one" });
    expect(back.answer).toMatchObject({ generationId: 2, leader: one });
    expect(again.answer.members).toHaveLength(2);
  });

  it("in PreparingRebalance, replaces its former id, whose join is fenced", () => {
    const members = new Members();
    const former = members.join({ groupInstanceId: "one" });
    const back = members.join({ groupInstanceId: "one" });
    expect(former.answer.errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID);
    members.advance(2 * DELAY_MS);
    expect(back.answer).toMatchObject({ generationId: 1, leader: back.answer.memberId });
    expect(back.answer.members).toHaveLength(1);
  });

  it("is removed when it does not send the SyncGroup that was pending for its former id", () => {
    const members = new Members();
    const joining = ["one", "two"].map((groupInstanceId) => members.join({ groupInstanceId }));
    members.advance(2 * DELAY_MS);
    const [one, two] = joining.map(({ answer }) => answer.memberId) as [string, string];
    members.sync(one, 1, { [one]: "a", [two]: "b" });
    const { memberId } = members.join({ groupInstanceId: "two" }).answer;
    for (let waitedMs = 0; waitedMs < REBALANCE_MS; waitedMs += 5_000) {
      expect(members.beat(memberId, 1)).toBe(ErrorCode.NONE);
      expect(members.beat(one, 1)).toBe(ErrorCode.NONE);
      members.advance(5_000);
    }
    expect(members.beat(memberId, 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it("is accepted although the group is full", () => {
    const members = new Members({ groupMaxSize: 2 });
    stableTwo(members);
    expect(members.join({ groupInstanceId: "two" }).answer.errorCode).toBe(ErrorCode.NONE);
    const third = members.join({ groupInstanceId: "three" }).answer;
    expect(third.errorCode).toBe(ErrorCode.GROUP_MAX_SIZE_REACHED);
  });

  it("has a session of its own; the session of its former id ends without effect", () => {
    const members = new Members();
    const [one] = stableTwo(members);
    members.advance(SESSION_MS / 2);
    const { memberId } = members.join({ groupInstanceId: "two" }).answer;
    members.beat(one, 1);
    members.advance(SESSION_MS - 1);
    expect(members.beat(memberId, 1, "two")).toBe(ErrorCode.NONE);
  });
});

it("a static member that misses a rebalance stays until its session ends", () => {
  const members = new Members();
  const session = { sessionTimeoutMs: 3 * REBALANCE_MS };
  const joining = ["one", "two"].map((groupInstanceId) =>
    members.join({ groupInstanceId, ...session }),
  );
  members.advance(2 * DELAY_MS);
  const ids = joining.map(({ answer }) => answer.memberId);
  members.syncAll(ids, 1);
  const following = members.join({
    memberId: ids[1]!,
    groupInstanceId: "two",
    protocols: [...RANGE, { name: "more", metadata: bytes("") }],
    ...session,
  });
  members.advance(REBALANCE_MS);
  expect(following.answer).toMatchObject({ generationId: 2, leader: ids[1] });
  expect(following.answer.members.map(({ groupInstanceId }) => groupInstanceId)).toEqual([
    "one",
    "two",
  ]);
});

it("when no static member joins, no generation begins until their sessions end", () => {
  const members = new Members();
  const ids = stableTwo(members);
  const { joining: newcomer, memberId } = members.joinNew();
  members.leave({ memberId });
  expect(newcomer.answer.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  for (let waitedMs = 0; waitedMs < 2 * REBALANCE_MS; waitedMs += 5_000) {
    for (const id of ids) expect(members.beat(id, 1)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    members.advance(5_000);
  }
  expect(members.newRecords()).toEqual([]);
  members.advance(SESSION_MS);
  expect(members.newRecords()).toMatchObject([{ value: { generation: 2, members: [] } }]);
});

it("an admin client removes a static member by its instance id alone", () => {
  const members = new Members();
  const [, two] = stableTwo(members);
  expect(members.leave({ groupInstanceId: "one" }).memberErrors).toEqual([0]);
  expect([...members.group.live.members.keys()]).toEqual([two]);
});
