import { ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import {
  bytes,
  DELAY_MS,
  GROUP,
  Members,
  REBALANCE_MS,
  SESSION_MS,
  SUBSCRIPTION,
} from "./members.ts";

describe("a new group", () => {
  it("is recorded as empty before its first member gets an answer", () => {
    const members = new Members();
    const first = members.join().answer;
    expect(first).toEqual({
      errorCode: ErrorCode.MEMBER_ID_REQUIRED,
      memberId: first.memberId,
      protocolName: null,
      leader: "",
      members: [],
    });
    expect(first.memberId).toMatch(/^client-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(members.newRecords()).toEqual([
      {
        record: "GroupMetadata",
        key: { group: GROUP },
        value: {
          protocolType: "",
          generation: 0,
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
  });

  it("waits for the initial delay, and records the leader's assignment before it answers", () => {
    const members = new Members();
    const { memberId, joining } = members.joinNew();
    expect(members.group.stateName).toBe("PreparingRebalance");
    members.advance(DELAY_MS - 1);
    expect(joining.answered).toBe(false);
    members.advance(1);
    expect(joining.answer).toEqual({
      errorCode: ErrorCode.NONE,
      generationId: 1,
      protocolType: "consumer",
      protocolName: "range",
      leader: memberId,
      memberId,
      members: [{ memberId, groupInstanceId: null, metadata: SUBSCRIPTION }],
    });
    expect(members.group.stateName).toBe("CompletingRebalance");
    members.newRecords();
    const began = members.time.wallMs();

    members.advance(5);
    const synced = members.sync(memberId, 1, { [memberId]: "all" });
    expect(members.newRecords()).toEqual([
      {
        record: "GroupMetadata",
        key: { group: GROUP },
        value: {
          protocolType: "consumer",
          generation: 1,
          protocol: "range",
          leader: memberId,
          currentStateTimestamp: began,
          members: [
            {
              memberId,
              groupInstanceId: null,
              clientId: "client",
              clientHost: "/127.0.0.1",
              rebalanceTimeout: REBALANCE_MS,
              sessionTimeout: SESSION_MS,
              subscription: SUBSCRIPTION,
              assignment: bytes("all"),
            },
          ],
        },
      },
    ]);
    expect(synced.answer).toEqual({
      errorCode: ErrorCode.NONE,
      protocolType: "consumer",
      protocolName: "range",
      assignment: bytes("all"),
    });
    expect(members.group.stateName).toBe("Stable");
  });

  it("waits longer while new members join, up to the rebalance time-out", () => {
    const members = new Members();
    const { joining } = members.joinNew({ rebalanceTimeoutMs: 10_000 });
    members.advance(2_000);
    members.joinNew({ rebalanceTimeoutMs: 10_000 });
    members.advance(1_000);
    expect(joining.answered).toBe(false);
    members.advance(2_000);
    members.joinNew({ rebalanceTimeoutMs: 10_000 });
    members.advance(1_000);
    members.joinNew({ rebalanceTimeoutMs: 10_000 });
    members.advance(3_000);
    members.joinNew({ rebalanceTimeoutMs: 10_000 });
    // 9 s have passed; 1 s of the 10 is left.
    expect(joining.answered).toBe(false);
    members.advance(999);
    expect(joining.answered).toBe(false);
    members.advance(1);
    expect(joining.answer.members).toHaveLength(5);
  });

  it("accepts members without an id below version 4; in version 0 they have one time-out", () => {
    const members = new Members();
    const joining = members.join({ version: 0, rebalanceTimeoutMs: -1 });
    expect(joining.answered).toBe(false);
    members.advance(DELAY_MS);
    const { memberId } = joining.answer;
    members.sync(memberId, 1);
    expect(members.group.recorded.members.get(memberId)).toMatchObject({
      rebalanceTimeout: SESSION_MS,
      assignment: bytes(""),
    });
  });
});

describe("a join is refused for", () => {
  it.each([
    ["an empty group id", { groupId: "" }, ErrorCode.INVALID_GROUP_ID],
    ["a too short session", { sessionTimeoutMs: 5_999 }, ErrorCode.INVALID_SESSION_TIMEOUT],
    ["a too long session", { sessionTimeoutMs: 1_800_001 }, ErrorCode.INVALID_SESSION_TIMEOUT],
    ["no protocol", { protocols: [] }, ErrorCode.INCONSISTENT_GROUP_PROTOCOL],
    ["no protocol type", { protocolType: "" }, ErrorCode.INCONSISTENT_GROUP_PROTOCOL],
    ["an unknown member id", { memberId: "x" }, ErrorCode.UNKNOWN_MEMBER_ID],
    [
      "an unknown instance id",
      { memberId: "x", groupInstanceId: "i" },
      ErrorCode.UNKNOWN_MEMBER_ID,
    ],
  ])("%s", (_what, fields, errorCode) => {
    const members = new Members();
    expect(members.join(fields).answer).toMatchObject({ errorCode, members: [] });
    expect(members.log).toEqual([]);
    expect(members.state.groups.size).toBe(0);
    // The same in a stable group.
    members.stable(2);
    expect(members.join(fields).answer).toMatchObject({ errorCode, members: [] });
    expect(members.newRecords()).toEqual([]);
    expect(members.group.stateName).toBe("Stable");
  });

  it("another protocol type, or no protocol in common with all members", () => {
    const members = new Members();
    members.stable(1);
    const { INCONSISTENT_GROUP_PROTOCOL } = ErrorCode;
    const connect = members.join({ protocolType: "connect" });
    expect(connect.answer.errorCode).toBe(INCONSISTENT_GROUP_PROTOCOL);
    const sticky = members.join({ protocols: [{ name: "sticky", metadata: SUBSCRIPTION }] });
    expect(sticky.answer.errorCode).toBe(INCONSISTENT_GROUP_PROTOCOL);
  });

  it("a full group, also after the limit was lowered", () => {
    const members = new Members({ groupMaxSize: 2 });
    const [, second] = members.stable(2);
    const { GROUP_MAX_SIZE_REACHED } = ErrorCode;
    expect(members.join().answer).toMatchObject({
      errorCode: GROUP_MAX_SIZE_REACHED,
      memberId: "",
    });
    // Members may join again.
    expect(members.join({ memberId: second! }).answer.errorCode).toBe(ErrorCode.NONE);
    Object.assign(members.config, { groupMaxSize: 1 });
    members.crash();
    expect(members.group.stateName).toBe("PreparingRebalance");
    const [first] = [...members.group.live.members.keys()];
    const kept = members.join({ memberId: first! });
    expect(members.join({ memberId: second! }).answer.errorCode).toBe(GROUP_MAX_SIZE_REACHED);
    // The last missing member is removed: the others need not wait for it.
    expect(kept.answer).toMatchObject({ errorCode: ErrorCode.NONE, generationId: 2 });
    expect(kept.answer.members).toHaveLength(1);
  });
});

describe("the protocol", () => {
  const offers = (...names: string[]) => names.map((name) => ({ name, metadata: bytes(name) }));

  it("is the one that most members prefer, of those that all members have", () => {
    const members = new Members();
    const a = members.joinNew({ protocols: offers("x", "a", "b") });
    const b = members.joinNew({ protocols: offers("b", "a") });
    members.joinNew({ protocols: offers("b", "a", "y") });
    members.advance(2 * DELAY_MS);
    expect(a.joining.answer.protocolName).toBe("b");
    expect(a.joining.answer.members.map(({ metadata }) => metadata)).toEqual([
      bytes("b"),
      bytes("b"),
      bytes("b"),
    ]);
    expect(b.joining.answer).toMatchObject({ protocolName: "b", members: [] });
  });

  it("counts once when a member offers it twice", () => {
    const members = new Members();
    const a = members.joinNew({ protocols: [...offers("a"), { name: "a", metadata: bytes("2") }] });
    members.joinNew({ protocols: offers("a", "b") });
    members.advance(2 * DELAY_MS);
    expect(a.joining.answer).toMatchObject({ errorCode: 0, protocolName: "a" });
    expect(a.joining.answer.members[0]!.metadata).toEqual(bytes("a"));
  });

  it("can change its type while the group is empty", () => {
    const members = new Members();
    const [id] = members.stable(1);
    members.leave({ memberId: id! });
    expect(members.group).toMatchObject({ stateName: "Empty", protocolType: "consumer" });
    const connect = members.joinNew({ protocolType: "connect", protocols: offers("sessioned") });
    members.advance(DELAY_MS);
    expect(connect.joining.answer).toMatchObject({ generationId: 3, protocolType: "connect" });
  });
});

it("answers 1,000 joins at once, in one generation", () => {
  const members = new Members();
  const joining = Array.from({ length: 1_000 }, () => members.joinNew());
  members.advance(2 * DELAY_MS);
  const [first] = joining;
  expect(first!.joining.answer.members).toHaveLength(1_000);
  for (const { joining: each, memberId } of joining) {
    expect(each.answer).toMatchObject({ generationId: 1, leader: first!.memberId, memberId });
  }
  const assigned = members.syncAll(
    joining.map(({ memberId }) => memberId),
    1,
  );
  expect(new Set(assigned).size).toBe(1_000);
  // The record that creates the group, and that of its first generation.
  expect(members.log).toHaveLength(2);
});

it("keeps a member with 1 MB of metadata", () => {
  const members = new Members();
  const metadata = new Uint8Array(1 << 20).fill(7);
  const { memberId, joining } = members.joinNew({ protocols: [{ name: "range", metadata }] });
  members.advance(DELAY_MS);
  expect(joining.answer.members[0]!.metadata.length).toBe(1 << 20);
  members.syncAll([memberId], 1);
  members.crash();
  const kept = members.group.live.members.get(memberId)!.protocols[0]!.metadata;
  expect(Buffer.compare(kept, metadata)).toBe(0);
  // The metadata is no valid subscription, so every topic counts as subscribed.
  expect(members.group.isSubscribedTo("t")).toBe(true);
});

it("does not record a generation that is larger than a message, but rebalances", () => {
  const members = new Members();
  const protocols = [{ name: "range", metadata: new Uint8Array(4 << 20) }];
  const { memberId } = members.joinNew({ protocols });
  members.joinNew({ protocols });
  members.advance(2 * DELAY_MS);
  members.newRecords();
  const syncing = members.sync(memberId, 1, { [memberId]: "a" });
  expect(syncing.answer.errorCode).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
  expect(members.newRecords()).toEqual([]);
  expect(members.group.stateName).toBe("PreparingRebalance");
});

it("a classic group replaces an empty group of the consumer protocol", () => {
  const members = new Members();
  const record = "ConsumerGroupMetadata";
  const key = { groupId: GROUP };
  members.step((turn) => turn.append({ record, key, value: { epoch: 3, metadataHash: 0n } }));
  members.newRecords();
  expect(members.state.groups.get(GROUP)).toMatchObject({ kind: "consumer" });
  expect(members.join({ memberId: "x" }).answer.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  expect(members.newRecords()).toEqual([]);
  const { joining } = members.joinNew();
  const records = members.newRecords();
  expect(records[0]).toMatchObject({ record: "ConsumerGroupTargetAssignmentMetadata" });
  expect(records).toContainEqual({ record, key, value: null });
  expect(records.at(-1)).toMatchObject({ record: "GroupMetadata", value: { generation: 0 } });
  members.advance(DELAY_MS);
  expect(joining.answer).toMatchObject({ errorCode: 0, generationId: 1 });
  expect(members.replayed().groups.get(GROUP)).toMatchObject({ kind: "classic" });
});
