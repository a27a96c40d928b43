// A classic member and a scripted coordinator that moves, loads, forgets and fences.
import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";
import {
  type Api,
  ApiVersions,
  decodeRequest,
  ErrorCode,
  encodeConsumerAssignment,
  encodeResponse,
  FindCoordinator,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  Metadata,
  rangeOf,
  SyncGroup,
} from "@tarpan/protocol";
import { afterEach, expect, test } from "vitest";
import { Client } from "../../src/connection/client.ts";
import { CoordinatorLink } from "../../src/connection/coordinator-link.ts";
import { range } from "../../src/group/assignors/range.ts";
import { ClassicMembership } from "../../src/group/classic-membership.ts";
import { GroupLeader } from "../../src/group/leader.ts";

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type Answer = readonly [Api, object];

const SERVED = [
  ApiVersions,
  Metadata,
  FindCoordinator,
  JoinGroup,
  SyncGroup,
  Heartbeat,
  LeaveGroup,
];
const byKey = new Map<number, Api>(SERVED.map((api) => [api.key, api as Api]));

/** A member whose coordinator sends these answers in turn; `asked` are the requests it received. */
async function memberOf(
  script: readonly Answer[],
  { heartbeatIntervalMs = 5, maxPollIntervalMs = 6_000 } = {},
) {
  const left = [...script];
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    // One request per chunk: a member never has two in flight.
    socket.on("data", (chunk: Buffer) => {
      const api = byKey.get(chunk.readInt16BE(4))!;
      const { header, body } = decodeRequest(api, chunk.subarray(4));
      const standing = standingAnswer(api, port);
      const [expected, answer] = standing ?? left.shift() ?? [];
      if (standing === null) asked.push(described(api, body));
      if (expected?.key !== api.key || answer === undefined) return socket.destroy();
      const { correlationId, apiVersion } = header;
      socket.write(Buffer.concat(encodeResponse(api, apiVersion, correlationId, answer)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const client = new Client({ bootstrap: `127.0.0.1:${port}`, timeoutMs: 5_000 });
  const link = new CoordinatorLink(client, "group", "g");
  let wake = () => {};
  const options = { groupInstanceId: null, assignors: [range], heartbeatIntervalMs };
  const times = { sessionTimeoutMs: 6_000, maxPollIntervalMs, metadataMaxAgeMs: 6_000 };
  const member = new ClassicMembership(
    link,
    new GroupLeader(client),
    { ...options, ...times },
    () => wake(),
  );
  closing.push(async () => {
    member.stop();
    link.close();
    await client.close();
    for (const socket of sockets) socket.destroy();
    server.close();
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

function standingAnswer(api: Api, port: number): Answer | null {
  if (api.key === ApiVersions.key) {
    const apiKeys = SERVED.map(({ key, versions }) => {
      const { max } = rangeOf(versions);
      return { apiKey: key, minVersion: max, maxVersion: max };
    });
    return [api, { errorCode: 0, apiKeys }];
  }
  if (api.key === Metadata.key) return [api, { brokers: [], controllerId: 1, topics: [] }];
  if (api.key !== FindCoordinator.key) return null;
  const self = { key: "g", nodeId: 1, host: "127.0.0.1", port, errorCode: 0, errorMessage: null };
  return [api, { coordinators: [self] }];
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
