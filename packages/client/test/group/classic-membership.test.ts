// A classic member and a scripted coordinator that moves, loads, forgets and fences.
import {
  type Api,
  ErrorCode,
  encodeConsumerAssignment,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  SyncGroup,
} from "@tarpan/protocol";
import { afterEach, expect, test } from "vitest";
import { range } from "../../src/group/assignors/range.ts";
import { ClassicMembership } from "../../src/group/classic-membership.ts";
import { GroupLeader } from "../../src/group/leader.ts";
import { type Answer, scriptedCoordinator } from "./scripted-coordinator.ts";

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const SERVED = [JoinGroup as Api, SyncGroup as Api, Heartbeat as Api, LeaveGroup as Api];

/** A member whose coordinator sends these answers in turn; `asked` are the requests it received. */
async function memberOf(
  script: readonly Answer[],
  { heartbeatIntervalMs = 5, maxPollIntervalMs = 6_000 } = {},
) {
  const asked: string[] = [];
  const coordinator = await scriptedCoordinator(SERVED, script, [], (api, body) =>
    asked.push(described(api, body)),
  );
  const { client, link } = coordinator;
  let wake = () => {};
  const options = { groupInstanceId: null, assignors: [range], heartbeatIntervalMs };
  const times = { sessionTimeoutMs: 6_000, maxPollIntervalMs, metadataMaxAgeMs: 6_000 };
  const member = new ClassicMembership(
    link,
    new GroupLeader(client),
    { ...options, ...times },
    () => wake(),
  );
  closing.push(() => {
    member.stop();
    return coordinator.close();
  });
  member.subscribe(["t"]);
  const until = async (condition: () => boolean) => {
    while (!condition())
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  };
  return { member, asked, until };
}

function described(api: Api, body: Readonly<Record<string, unknown>>): string {
  return `${api.name} ${body.memberId || "-"} ${body.generationId ?? ""}`.trim();
}

const joined = (generationId: number, memberId: string): Answer => [
  JoinGroup as Api,
  {
    ...{ errorCode: 0, generationId, protocolType: "consumer", protocolName: "range" },
    ...{ leader: "another", memberId, members: [] },
  },
];
const joinRefused = (errorCode: number, memberId = ""): Answer => [
  JoinGroup as Api,
  { errorCode, protocolName: null, leader: "", memberId, members: [] },
];
const synced = (errorCode = 0): Answer => {
  const assigned = [{ topic: "t", partitions: [0] }];
  const assignment =
    errorCode === 0 ? encodeConsumerAssignment({ assignedPartitions: assigned }) : new Uint8Array();
  return [SyncGroup as Api, { errorCode, assignment }];
};
const beaten = (errorCode: number): Answer => [Heartbeat as Api, { errorCode }];

const mine = [{ topic: "t", partition: 0 }];

test("it follows a coordinator that loads and moves, and uses the member id from the response", async () => {
  const { member, asked, until } = await memberOf([
    joinRefused(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS),
    joinRefused(ErrorCode.NOT_COORDINATOR),
    joinRefused(ErrorCode.MEMBER_ID_REQUIRED, "m"),
    joined(1, "m"),
    synced(ErrorCode.REBALANCE_IN_PROGRESS),
    joined(2, "m"),
    synced(),
    beaten(ErrorCode.NOT_COORDINATOR),
    beaten(0),
    beaten(ErrorCode.REBALANCE_IN_PROGRESS),
  ]);
  member.join([]);
  await until(() => member.offered !== null);
  expect(member.offered).toEqual(mine);
  expect(member.joinWanted).toBe(false);
  await until(() => member.joinWanted);
  expect(member.committer).toMatchObject({ memberId: "m", generation: 2 });
  expect(member.lost).toBe(false);
  expect(asked).toEqual([
    ...["JoinGroup -", "JoinGroup -", "JoinGroup -", "JoinGroup m", "SyncGroup m 1"],
    ...["JoinGroup m", "SyncGroup m 2", "Heartbeat m 2", "Heartbeat m 2", "Heartbeat m 2"],
  ]);
});

test("unknown member id: it loses its partitions and joins as a new member", async () => {
  const { member, asked, until } = await memberOf([
    joined(1, "m"),
    synced(),
    beaten(ErrorCode.UNKNOWN_MEMBER_ID),
    joinRefused(ErrorCode.MEMBER_ID_REQUIRED, "n"),
    joined(1, "n"),
    synced(),
  ]);
  member.join([]);
  await until(() => member.lost);
  expect(member.committer).toBe(null);
  expect(member.offered).toBe(null);
  member.lost = false;
  member.join([]);
  await until(() => member.offered !== null);
  expect(member.committer).toMatchObject({ memberId: "n", generation: 1 });
  expect(asked.slice(3, 5)).toEqual(["JoinGroup -", "JoinGroup n"]);
});

test("unknown member id during a join: it loses its partitions, and goes on joining", async () => {
  const { member, until } = await memberOf(
    [
      ...[joined(1, "m"), synced()],
      ...[joinRefused(ErrorCode.UNKNOWN_MEMBER_ID), joined(7, "n"), synced()],
    ],
    { heartbeatIntervalMs: 60_000 },
  );
  member.join([]);
  await until(() => member.offered !== null && member.joining === null);
  member.offered = null;
  member.join(mine);
  await until(() => member.offered !== null);
  expect(member.lost).toBe(true);
  expect(member.committer).toMatchObject({ memberId: "n", generation: 7 });
});

test("an illegal generation: it loses its partitions, but keeps its member id", async () => {
  const { member, asked, until } = await memberOf([
    ...[joined(1, "m"), synced(), beaten(ErrorCode.ILLEGAL_GENERATION)],
    ...[joined(3, "m"), synced()],
  ]);
  member.join([]);
  await until(() => member.lost);
  member.join([]);
  await until(() => member.committer?.generation === 3 && member.joining === null);
  expect(asked[3]).toBe("JoinGroup m");
});

test("a fenced member fails for good", async () => {
  const { member, until } = await memberOf([
    ...[joined(1, "m"), synced(), beaten(ErrorCode.FENCED_INSTANCE_ID)],
  ]);
  member.join([]);
  await until(() => member.failure !== null);
  expect(member.failure).toMatchObject({ code: "TARPAN_KAFKA_FENCED_INSTANCE_ID" });
  expect(member.lost).toBe(true);
});

test("an application that does not poll in time: it leaves", async () => {
  const left: Answer = [LeaveGroup as Api, { errorCode: 0, members: [] }];
  const script = [joined(1, "m"), synced(), left];
  const { member, asked, until } = await memberOf(script, { maxPollIntervalMs: 0 });
  member.polled();
  member.join([]);
  await until(() => member.lost);
  expect(asked.slice(0, 2)).toEqual(["JoinGroup -", "SyncGroup m 1"]);
  expect(member.joinWanted).toBe(true);
});
