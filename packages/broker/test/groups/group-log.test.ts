import { ErrorCode } from "@tarpan/protocol";
import { expect, test } from "vitest";
import type { LogFields, Logger, LogLevel } from "../../src/logging/logger.ts";
import { DELAY_MS, GROUP, Members, SESSION_MS } from "./classic/members.ts";
import { SESSION_MS as CONSUMER_SESSION_MS, ConsumerWorld } from "./consumer/world.ts";

/** What operators search the log for. */
const SEARCHED = /JoinGroup|LeaveGroup|Heartbeat/;

class KeptLog implements Logger {
  readonly level: LogLevel;
  readonly lines: { level: LogLevel; message: string; fields: LogFields }[] = [];

  constructor(level: LogLevel) {
    this.level = level;
  }

  debug = this.#at("debug");
  info = this.#at("info");
  warn = this.#at("warn");
  error = this.#at("error");

  #at(level: LogLevel) {
    return (message: string, fields: LogFields = {}) =>
      void this.lines.push({ level, message, fields });
  }

  /** The messages since the last call; all must be at `level`. */
  take(level: LogLevel = "info"): string[] {
    const lines = this.lines.splice(0);
    expect(lines.map((line) => line.level)).toEqual(lines.map(() => level));
    return lines.map(({ message }) => message);
  }
}

test("logs joins, leaves, expired members and rebalances of a classic group at info", () => {
  const log = new KeptLog("info");
  const members = new Members({}, { logger: log });
  const { memberId: a } = members.joinNew();
  const { memberId: b } = members.joinNew();
  expect(log.lines[0]!.fields).toEqual({
    group: GROUP,
    generation: 0,
    ...{ memberId: a, clientId: "client", clientHost: "/127.0.0.1" },
  });
  expect(log.take()).toEqual([
    `JoinGroup: member ${a} joined group g`,
    "rebalance of group g by JoinGroup: a member joined",
    `JoinGroup: member ${b} joined group g`,
  ]);
  members.advance(2 * DELAY_MS);
  members.sync(b, 1);
  members.sync(a, 1, { [a]: "all" });
  expect(log.take()).toEqual(["rebalance of group g by JoinGroup is done, members: 2"]);

  members.advance(SESSION_MS - 1);
  for (let i = 0; i < 100; i++) expect(members.beat(a, 1)).toBe(0);
  expect(log.take()).toEqual([]);
  members.advance(1);
  expect(log.take()).toEqual([
    `member ${b} of group g has expired: no Heartbeat for 10000 ms`,
    "rebalance of group g by JoinGroup: a member has expired",
  ]);
  members.leave({ memberId: a });
  expect(log.take()).toEqual([
    `LeaveGroup: member ${a} left group g`,
    "rebalance of group g by JoinGroup is done, members: 0",
  ]);
});

test("logs joins, leaves, expired members and rebalances of a consumer group at info", () => {
  const log = new KeptLog("info");
  const world = new ConsumerWorld({}, { logger: log });
  world.setTopics({ t: 2 });
  world.join("a");
  world.join("b");
  expect(log.lines[0]!.fields).toMatchObject({ group: "g", epoch: 1, memberId: "a" });
  expect(log.take()).toEqual([
    "JoinGroup: member a joined group g",
    "rebalance of group g by ConsumerGroupHeartbeat: a member joined",
    "JoinGroup: member b joined group g",
    "rebalance of group g by ConsumerGroupHeartbeat: a member joined",
  ]);
  world.setTopics({ t: 4 });
  expect(log.take()).toEqual([
    "rebalance of group g by ConsumerGroupHeartbeat: a subscribed topic changed",
  ]);
  world.beat({ memberId: "b", memberEpoch: -1 });
  world.advance(CONSUMER_SESSION_MS);
  expect(log.take()).toEqual([
    "LeaveGroup: member b left group g",
    "rebalance of group g by ConsumerGroupHeartbeat: a member left",
    "member a of group g has expired: no Heartbeat for 45000 ms",
    "rebalance of group g by ConsumerGroupHeartbeat: a member has expired",
  ]);
});

test("logs heartbeats at debug, with the error code of the answer", () => {
  const log = new KeptLog("debug");
  const members = new Members({}, { logger: log });
  members.beat("nobody", 3);
  const errorCode = ErrorCode.UNKNOWN_MEMBER_ID;
  expect(log.lines[0]!.fields).toEqual({
    group: GROUP,
    memberId: "nobody",
    generation: 3,
    errorCode,
  });
  expect(log.take("debug")).toEqual(["Heartbeat: member nobody of group g"]);
});

test("builds no line for a level that is off, and every line names its request", () => {
  for (const level of ["debug", "warn"] as const) {
    const log = new KeptLog(level);
    const members = new Members({}, { logger: log });
    const joining = members.join({ groupInstanceId: "static" });
    members.advance(2 * DELAY_MS);
    const { memberId } = joining.answer;
    members.beat(memberId, 1);
    members.join({ groupInstanceId: "static" });
    members.leave({ groupInstanceId: "static" });
    if (level === "warn") expect(log.lines).toEqual([]);
    else expect(log.lines.length).toBeGreaterThan(4);
    const missed = log.lines.filter(({ message }) => !SEARCHED.test(message));
    expect(missed).toEqual([]);
  }
});
