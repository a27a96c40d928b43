import {
  DeleteGroups,
  DescribeGroups,
  ErrorCode,
  encodeConsumerAssignment,
  FindCoordinator,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
} from "@tarpan/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { useBroker } from "../harness/broker-process.ts";
import { committedOffsets } from "../harness/group-observer.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { type Join, RawMember, SUBSCRIPTION } from "../harness/raw-group.ts";
import { createTopic } from "../harness/records.ts";
import { within } from "../harness/within.ts";

const MOST_MEMBERS = 1_000;
const broker = useBroker({
  flags: ["group.initial.rebalance.delay.ms=0", `group.max.size=${MOST_MEMBERS}`].flatMap(
    (config) => ["--kafka", config],
  ),
});
const { UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS } = ErrorCode;
const { INCONSISTENT_GROUP_PROTOCOL, INVALID_SESSION_TIMEOUT, INVALID_GROUP_ID } = ErrorCode;
const { FENCED_INSTANCE_ID, NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND } = ErrorCode;
let connection: RawConnection;
let groups = 0;
const newGroup = () => `group-${groups++}`;
const member = (groupId = newGroup()) => RawMember.of(broker.port, groupId);
const alone = (join: Join = {}, groupId = newGroup()) =>
  RawMember.alone(broker.port, groupId, join);

beforeAll(async () => {
  connection = await RawConnection.open(broker.port);
  await createTopic(connection, "plain", { partitions: 2 });
});

afterAll(() => connection.close());

describe("JoinGroup", () => {
  const protocol = (name: string) => ({ name, metadata: SUBSCRIPTION });
  const tooLong = 1_800_001;
  const REFUSED: readonly [what: string, join: Join, code: number][] = [
    ["a session shorter than allowed", { sessionTimeoutMs: 5_999 }, INVALID_SESSION_TIMEOUT],
    ["a session longer than allowed", { sessionTimeoutMs: tooLong }, INVALID_SESSION_TIMEOUT],
    ["a negative session", { sessionTimeoutMs: -1 }, INVALID_SESSION_TIMEOUT],
    ["no group id", { groupId: "" }, INVALID_GROUP_ID],
    ["an unknown member id", { memberId: "stranger" }, UNKNOWN_MEMBER_ID],
    ["no protocol type", { protocolType: "" }, INCONSISTENT_GROUP_PROTOCOL],
    ["no protocol", { protocols: [] }, INCONSISTENT_GROUP_PROTOCOL],
  ];

  for (const [what, join, code] of REFUSED) {
    it(`answers ${what} with ${code}, in a new group`, async () => {
      const one = await member();
      expect((await one.tryJoin(join)).errorCode).toBe(code);
    });
    it(`answers ${what} with ${code}, in a group with a member`, async () => {
      const { groupId, ...rest } = { groupId: (await alone()).groupId, ...join };
      const one = await member(groupId);
      expect((await one.tryJoin(rest)).errorCode).toBe(code);
    });
  }

  it("answers a member that shares no protocol with the others with 23", async () => {
    const { groupId } = await alone({ protocols: [protocol("range"), protocol("sticky")] });
    const one = await member(groupId);
    for (const join of [{ protocols: [protocol("other")] }, { protocolType: "connect" }]) {
      expect((await one.tryJoin(join)).errorCode).toBe(INCONSISTENT_GROUP_PROTOCOL);
    }
  });

  it("assigns a new member its id with 79, and accepts it with that id", async () => {
    const one = await member();
    const { errorCode, memberId } = await one.tryJoin();
    expect(errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED);
    expect(memberId).not.toBe("");
    one.memberId = memberId;
    expect(await one.tryJoin()).toMatchObject({ errorCode: 0, memberId, generationId: 1 });
  });

  it("keeps a group from which a member was refused", async () => {
    const one = await alone();
    const other = await member(one.groupId);
    await other.tryJoin({ protocols: [protocol("other")] });
    await other.tryJoin({ sessionTimeoutMs: 1 });
    expect(await one.heartbeat()).toBe(0);
  });
});

describe("an existing group", () => {
  it("answers an unknown member with 25, another generation with 22", async () => {
    const one = await alone();
    const stranger = { memberId: "stranger" };
    expect(await one.heartbeat(stranger)).toBe(UNKNOWN_MEMBER_ID);
    expect((await one.sync(stranger)).errorCode).toBe(UNKNOWN_MEMBER_ID);
    expect(await one.commit(stranger)).toBe(UNKNOWN_MEMBER_ID);
    expect(await one.leave("stranger")).toBe(UNKNOWN_MEMBER_ID);
    for (const generationId of [0, 2, 0x7fffffff]) {
      expect(await one.heartbeat({ generationId })).toBe(ILLEGAL_GENERATION);
      expect((await one.sync({ generationId })).errorCode).toBe(ILLEGAL_GENERATION);
      const commit = { generationIdOrMemberEpoch: generationId };
      expect(await one.commit(commit)).toBe(ILLEGAL_GENERATION);
    }
    // A consumer outside the group must not overwrite its members' commits.
    const standalone = { memberId: "", generationIdOrMemberEpoch: -1 };
    expect(await one.commit(standalone)).toBe(UNKNOWN_MEMBER_ID);
    expect(await one.heartbeat()).toBe(0);
  });

  it("answers SyncGroup of another protocol with 23", async () => {
    const one = await alone();
    expect((await one.sync({ protocolType: "connect" })).errorCode).toBe(23);
    expect((await one.sync({ protocolName: "other" })).errorCode).toBe(23);
    expect((await one.sync({ protocolType: null })).errorCode).toBe(23);
    expect((await one.sync()).errorCode).toBe(0);
  });

  it("answers 27 while it rebalances: at once to heartbeat and sync, to a commit between join and sync", async () => {
    const one = await alone();
    const two = await member(one.groupId);
    const joining = two.join();
    await untilRebalance(one);
    expect((await one.sync()).errorCode).toBe(REBALANCE_IN_PROGRESS);
    // Records read before the rebalance can still be committed.
    expect(await one.commit()).toBe(0);
    const leader = await one.join();
    await joining;
    expect(leader.members.map(({ memberId }) => memberId).sort()).toEqual(
      [one.memberId, two.memberId].sort(),
    );
    expect(await one.commit()).toBe(REBALANCE_IN_PROGRESS);
    await Promise.all([one.sync(), two.sync({ assignments: [] })]);
    expect(await one.commit()).toBe(0);
    expect(await two.heartbeat()).toBe(0);
  });

  it("fences a static member whose instance id another member has taken, with 82", async () => {
    const one = await alone({ groupInstanceId: "seat" });
    const two = await RawMember.of(broker.port, one.groupId);
    await two.join({ groupInstanceId: "seat" });
    expect(two.memberId).not.toBe(one.memberId);
    expect(await one.heartbeat()).toBe(FENCED_INSTANCE_ID);
    expect((await one.sync()).errorCode).toBe(FENCED_INSTANCE_ID);
    expect(await one.commit()).toBe(FENCED_INSTANCE_ID);
    expect((await one.tryJoin()).errorCode).toBe(FENCED_INSTANCE_ID);
    expect(await one.leave()).toBe(FENCED_INSTANCE_ID);
    // The new owner of the instance id goes on in the same generation.
    expect(two.generationId).toBe(one.generationId);
    expect(await two.heartbeat()).toBe(0);
  });
});

describe("an unknown group", () => {
  it("answers its members with 25, a commit in a generation with 69 or, before v9, 22", async () => {
    const one = await member();
    one.memberId = "somebody";
    one.generationId = 1;
    expect(await one.heartbeat()).toBe(UNKNOWN_MEMBER_ID);
    expect((await one.sync()).errorCode).toBe(UNKNOWN_MEMBER_ID);
    expect(await one.leave()).toBe(UNKNOWN_MEMBER_ID);
    expect(await one.commit()).toBe(GROUP_ID_NOT_FOUND);
    const partitions = [{ partitionIndex: 0, committedOffset: 5, committedMetadata: "" }];
    const topics = [{ name: "plain", partitions }];
    const { groupId, memberId } = one;
    const body = { groupId, memberId, generationIdOrMemberEpoch: 1, topics };
    const older = await connection.request(OffsetCommit, 8, body);
    expect(older.topics[0]!.partitions[0]!.errorCode).toBe(ILLEGAL_GENERATION);
  });

  it("answers an empty group id with 24", async () => {
    const one = await member("");
    expect(await one.heartbeat()).toBe(INVALID_GROUP_ID);
    expect((await one.sync()).errorCode).toBe(INVALID_GROUP_ID);
    expect(await one.leave("somebody")).toBe(INVALID_GROUP_ID);
  });

  it("answers description, deletion and deletion of offsets with 69", async () => {
    const groupId = newGroup();
    const described = await connection.request(DescribeGroups, 6, { groups: [groupId] });
    expect(described.groups[0]).toMatchObject({ errorCode: 69, groupState: "Dead", members: [] });
    const older = await connection.request(DescribeGroups, 5, { groups: [groupId] });
    expect(older.groups[0]).toMatchObject({ errorCode: 0, groupState: "Dead" });
    const { results } = await connection.request(DeleteGroups, 2, { groupsNames: [groupId] });
    expect(results[0]!.errorCode).toBe(GROUP_ID_NOT_FOUND);
    const deleted = await connection.request(OffsetDelete, 0, { groupId, topics: [] });
    expect(deleted.errorCode).toBe(GROUP_ID_NOT_FOUND);
  });
});

describe("offsets", () => {
  it("of an abandoned connection are not committed after those of the next connection", async () => {
    const groupId = newGroup();
    const commits = (by: RawMember, committedOffset: number) => {
      const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: "" }];
      const topics = [{ name: "plain", partitions }];
      return by.commit({ groupId, memberId: "", generationIdOrMemberEpoch: -1, topics });
    };
    const first = await alone();
    const patient = await member(first.groupId);
    patient.memberId = (await patient.tryJoin()).memberId;
    // This join waits for the first member; the requests behind it wait for the join's response.
    const givenUp = [patient.tryJoin(), commits(patient, 5)].map((each) => each.catch(() => {}));
    while ((await first.heartbeat()) !== REBALANCE_IN_PROGRESS);
    patient.connection.close();
    await Promise.all(givenUp);
    const next = await member(groupId);
    expect(await commits(next, 9)).toBe(0);
    expect(await first.leave()).toBe(0);
    expect(await committedOffsets(next.connection, groupId, "plain", 1)).toEqual([9]);
  });

  const commitOf = (partitionIndex: number, committedMetadata: string | null, name = "plain") => ({
    name,
    partitions: [{ partitionIndex, committedOffset: 5, committedMetadata }],
  });

  it("answers metadata over 4096 bytes with 12, for that partition only", async () => {
    const topics = [commitOf(0, "x".repeat(4_097)), commitOf(1, "x".repeat(4_096))];
    const body = { groupId: newGroup(), memberId: "", topics };
    await member(body.groupId);
    const answer = await connection.request(OffsetCommit, 9, body);
    const codes = answer.topics.flatMap(({ partitions }) => partitions.map((p) => p.errorCode));
    expect(codes).toEqual([ErrorCode.OFFSET_METADATA_TOO_LARGE, 0]);
  });

  it("answers unknown topics and partitions with 3", async () => {
    const groupId = newGroup();
    await member(groupId);
    const topics = [commitOf(0, "", "nobody-made-this"), commitOf(7, ""), commitOf(-1, "")];
    const answer = await connection.request(OffsetCommit, 9, { groupId, memberId: "", topics });
    const codes = answer.topics.flatMap(({ partitions }) => partitions.map((p) => p.errorCode));
    expect(codes).toEqual([3, 3, 3]);
  });

  it("answers unknown topic ids with 100", async () => {
    const { groupId, connection } = await member();
    const topicId = "ffffffff-0000-4000-8000-000000000000";
    const partitions = [{ partitionIndex: 0, committedOffset: 5, committedMetadata: "" }];
    const byId = { groupId, memberId: "", topics: [{ topicId, partitions }] };
    const committed = await connection.request(OffsetCommit, 10, byId);
    expect(committed.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_ID);
    const groups = [{ groupId, topics: [{ topicId, partitionIndexes: [0] }] }];
    const fetched = await connection.request(OffsetFetch, 10, { groups });
    expect(fetched.groups[0]!.topics[0]!.partitions[0]!.errorCode).toBe(100);
  });

  it("answers deleting offsets of a subscribed topic with 86, deleting the group with 68", async () => {
    const one = await alone();
    await one.commit();
    const { groupId } = one;
    const topics = [{ name: "plain", partitions: [{ partitionIndex: 0 }] }];
    const deleted = await connection.request(OffsetDelete, 0, { groupId, topics });
    const [code] = deleted.topics[0]!.partitions.map(({ errorCode }) => errorCode);
    expect(code).toBe(ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC);
    const { results } = await connection.request(DeleteGroups, 2, { groupsNames: [groupId] });
    expect(results[0]!.errorCode).toBe(NON_EMPTY_GROUP);
    await one.leave();
    const again = await connection.request(DeleteGroups, 2, { groupsNames: [groupId] });
    expect(again.results[0]!.errorCode).toBe(0);
  });
});

it("answers FindCoordinator of an unknown key type with 42, of transactions with this broker", async () => {
  const ask = async (keyType: number) => {
    const body = { keyType, coordinatorKeys: ["one"] };
    return (await connection.request(FindCoordinator, 4, body)).coordinators[0]!.errorCode;
  };
  expect(await ask(9)).toBe(ErrorCode.INVALID_REQUEST);
  expect(await ask(1)).toBe(ErrorCode.NONE);
});

describe("members that behave badly", () => {
  it("accepts malformed subscriptions and assignments: only the members read them", async () => {
    for (const metadata of [new Uint8Array(0), Buffer.from("garbage"), Buffer.alloc(200, 0xff)]) {
      const one = await alone({ protocols: [{ name: "range", metadata }] });
      expect(await one.heartbeat()).toBe(0);
      expect(await one.commit()).toBe(0);
      const described = await connection.request(DescribeGroups, 5, { groups: [one.groupId] });
      expect(described.groups[0]).toMatchObject({ errorCode: 0, groupState: "Stable" });
      expect(Buffer.from(described.groups[0]!.members[0]!.memberMetadata)).toEqual(
        Buffer.from(metadata),
      );
    }
  });

  it("passes on an assignment of unknown partitions", async () => {
    const one = await member();
    await one.join();
    const assignment = encodeConsumerAssignment({
      assignedPartitions: [{ topic: "nobody-made-this", partitions: [-1, 0, 0x7fffffff] }],
    });
    const assignments = [
      { memberId: one.memberId, assignment },
      { memberId: "nobody", assignment },
    ];
    const synced = await one.sync({ assignments });
    expect(synced.errorCode).toBe(0);
    expect(Buffer.from(synced.assignment)).toEqual(Buffer.from(assignment));
    expect(await one.heartbeat()).toBe(0);
  });

  it("removes a member that joins and never syncs", async () => {
    const one = await alone({ rebalanceTimeoutMs: 1_000 });
    const two = await member(one.groupId);
    const joining = two.join({ rebalanceTimeoutMs: 1_000 });
    await untilRebalance(one);
    await one.join({ rebalanceTimeoutMs: 1_000 });
    await joining;
    expect((await one.sync()).errorCode).toBe(0);
    await untilRebalance(one);
    const { members } = await one.join();
    expect(members.map(({ memberId }) => memberId)).toEqual([one.memberId]);
    expect(await two.heartbeat()).toBe(UNKNOWN_MEMBER_ID);
  });

  it("keeps a member with 1 MB of metadata, and serves the others", async () => {
    const beside = await alone();
    const metadata = Buffer.alloc(1024 * 1024, 1);
    const one = await member();
    const joined = await one.join({ protocols: [{ name: "range", metadata }] });
    expect(joined.members[0]!.metadata).toHaveLength(metadata.length);
    // A Kafka broker refuses it: the group's record would exceed max.message.bytes.
    expect((await one.sync()).errorCode).toBe(0);
    expect(await one.heartbeat()).toBe(0);
    expect(await beside.heartbeat()).toBe(0);
  });

  it(`accepts ${MOST_MEMBERS} joins at once, refuses one more with 81, and answers all`, async () => {
    const groupId = newGroup();
    const all = await Promise.all(Array.from({ length: MOST_MEMBERS }, () => member(groupId)));
    const state = { isWhole: false };
    const joins = all.map((one) => joinUntilWhole(one, MOST_MEMBERS, state));
    await within(25_000, "joining", Promise.all(joins));
    expect(new Set(all.map(({ generationId }) => generationId)).size).toBe(1);
    expect(new Set(all.map(({ memberId }) => memberId)).size).toBe(MOST_MEMBERS);
    const oneMore = await member(groupId);
    expect((await oneMore.tryJoin()).errorCode).toBe(ErrorCode.GROUP_MAX_SIZE_REACHED);
    for (const one of [...all, oneMore]) one.connection.close();
  });
});

/** Joins, and joins again at every rebalance, until a generation has `size` members. */
async function joinUntilWhole(
  one: RawMember,
  size: number,
  state: { isWhole: boolean },
): Promise<void> {
  const join = { rebalanceTimeoutMs: 300_000, sessionTimeoutMs: 300_000 };
  while (!state.isWhole) {
    const { members } = await one.join(join);
    if (members.length === size) state.isWhole = true;
    while (!state.isWhole && (await one.heartbeat()) !== REBALANCE_IN_PROGRESS) await pause();
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 20));

async function untilRebalance(one: RawMember): Promise<void> {
  for (;;) {
    const code = await one.heartbeat();
    if (code === REBALANCE_IN_PROGRESS) return;
    expect(code).toBe(0);
    await pause();
  }
}
