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
} from "./members.ts";

const NEW_MEMBER_MS = 300_000;

describe("joining again", () => {
  it("by a follower returns the current generation; by the leader it starts a rebalance", () => {
    const members = new Members();
    const [leader, follower] = members.stable(2);
    const again = members.join({ memberId: follower! }).answer;
    expect(again).toMatchObject({ errorCode: 0, generationId: 1, leader, members: [] });
    expect(members.group.stateName).toBe("Stable");
    const rejoining = members.join({ memberId: leader! });
    expect(rejoining.answered).toBe(false);
    expect(members.group.stateName).toBe("PreparingRebalance");
    expect(members.beat(follower!, 1)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    const following = members.join({ memberId: follower! });
    expect(rejoining.answer).toMatchObject({ generationId: 2, leader });
    expect(following.answer).toMatchObject({ generationId: 2, leader, members: [] });
  });

  it("with another subscription starts a rebalance", () => {
    const members = new Members();
    const [leader, follower] = members.stable(2);
    const protocols = [{ name: "range", metadata: subscriptionTo("t", "u") }];
    members.join({ memberId: follower!, protocols });
    const leading = members.join({ memberId: leader! });
    expect(leading.answer.members.map(({ metadata }) => metadata)).toEqual([
      SUBSCRIPTION,
      subscriptionTo("t", "u"),
    ]);
  });

  it("before the sync returns the same generation; a changed member starts a rebalance", () => {
    const members = new Members();
    const a = members.joinNew();
    const b = members.joinNew();
    members.advance(2 * DELAY_MS);
    const waiting = members.sync(b.memberId, 1);
    expect(members.join({ memberId: a.memberId }).answer.members).toHaveLength(2);
    expect(members.join({ memberId: b.memberId }).answer.members).toHaveLength(0);
    expect(members.group.stateName).toBe("CompletingRebalance");
    const protocols = [...RANGE, { name: "more", metadata: bytes("") }];
    const changed = members.join({ memberId: a.memberId, protocols });
    expect(waiting.answer.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect(changed.answered).toBe(false);
    members.join({ memberId: b.memberId });
    expect(changed.answer.generationId).toBe(2);
  });

  it("answers the earlier join of the same member", () => {
    const members = new Members();
    const { memberId, joining } = members.joinNew();
    const second = members.join({ memberId });
    expect(joining.answer.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    members.advance(DELAY_MS);
    expect(second.answer).toMatchObject({ errorCode: 0, generationId: 1 });
  });
});

describe("missing members", () => {
  it("a leader that does not join is removed after the rebalance time-out and replaced", () => {
    const members = new Members();
    const [leader, follower] = members.stable(2, { sessionTimeoutMs: 100_000 });
    const { joining: newcomer } = members.joinNew();
    const following = members.join({ memberId: follower! });
    members.advance(REBALANCE_MS - 1);
    expect(following.answered).toBe(false);
    members.advance(1);
    expect(following.answer).toMatchObject({ generationId: 2, leader: follower });
    expect(following.answer.members).toHaveLength(2);
    expect(newcomer.answer).toMatchObject({ generationId: 2, leader: follower, members: [] });
    expect(members.beat(leader!, 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it("an id that no member joins with is forgotten after its session time-out", () => {
    const members = new Members();
    const [leader] = members.stable(1);
    const { memberId } = members.join().answer;
    const leading = members.join({ memberId: leader! });
    // The rebalance waits for the pending member, but not for ever.
    expect(leading.answered).toBe(false);
    members.advance(SESSION_MS);
    expect(leading.answer).toMatchObject({ generationId: 2 });
    const late = members.join({ memberId });
    expect(late.answer.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it("a new member is removed when its first join has waited for five minutes", () => {
    const members = new Members();
    const longMs = 2 * NEW_MEMBER_MS;
    members.stable(1, { rebalanceTimeoutMs: longMs, sessionTimeoutMs: longMs });
    const { joining } = members.joinNew();
    members.advance(NEW_MEMBER_MS - 1);
    expect(joining.answered).toBe(false);
    members.advance(1);
    expect(joining.answer).toMatchObject({
      errorCode: ErrorCode.UNKNOWN_MEMBER_ID,
      memberId: "",
    });
  });
});
