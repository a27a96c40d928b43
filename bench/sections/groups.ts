// Consumer groups: how fast a large group rebalances, how fast the heartbeats of many groups are
// answered, how many offsets are committed, and how soon they can be read after a kill.

import { setTimeout as sleep } from "node:timers/promises";
import { ErrorCode, errorOf, OffsetFetch } from "@tarpan/protocol";
import { type Bench, type Section, withBrokers } from "../bench.ts";
import { loadCommits, loadHeartbeats, loadRebalance } from "../loads.ts";
import { Row } from "../report.ts";
import type { ServerProcess } from "../targets/process.ts";
import { connected, createTopic } from "../targets/target.ts";

const SECTION = "groups";
const TOPIC = "bench-000";
const MEMBERS = 1_000;
const GROUPS = 10_000;
const HEARTBEATS_PER_SECOND = 5_000;
const PARTITIONS = 100;
const COMMITS = 1_000_000;
const RETRY_MS = 2;
/** The first member does not wait for others: the measurement begins later. */
const CONFIGS = { "group.initial.rebalance.delay.ms": "0" };

export const groups: Section = {
  name: "groups",
  async measure(bench) {
    return [
      ...(await measureRebalance(bench)),
      ...(await measureHeartbeats(bench)),
      ...(await measureCommits(bench, 100)),
      ...(await measureCommits(bench, COMMITS / PARTITIONS)),
    ];
  },
};

async function measureRebalance(bench: Bench): Promise<Row[]> {
  const row = new Row(SECTION, `${MEMBERS} members: a full rebalance`, "ms", {
    kind: "most",
    value: 3_000,
  });
  await withBrokers(
    bench,
    "always",
    async (brokers) => {
      const rounds = bench.quick ? 3 : 7;
      for (const { target, server } of brokers) {
        (await connected(server)).close();
        const { timesMs } = await loadRebalance(server, { members: MEMBERS, rounds });
        for (const timeMs of timesMs) row.add(target.name, timeMs);
      }
    },
    CONFIGS,
  );
  return [row];
}

async function measureHeartbeats(bench: Bench): Promise<Row[]> {
  const load = `heartbeats of ${GROUPS} groups, ${HEARTBEATS_PER_SECOND}/s`;
  const median = new Row(SECTION, `p50 of ${load}`, "ms");
  const high = new Row(SECTION, `p99 of ${load}`, "ms", { kind: "most", value: 10 });
  const job = {
    groups: GROUPS,
    connections: 50,
    ratePerSecond: HEARTBEATS_PER_SECOND,
    warmUpMs: 1_000,
    measureMs: bench.quick ? 3_000 : 10_000,
  };
  await withBrokers(
    bench,
    "always",
    async (brokers) => {
      for (const { target, server } of brokers) {
        (await connected(server)).close();
        const result = await loadHeartbeats(server, job);
        median.add(target.name, result.p50Ms);
        high.add(target.name, result.p99Ms);
      }
    },
    CONFIGS,
  );
  return [median, high];
}

/**
 * A million commits, then a kill: each group has committed `PARTITIONS` offsets. If the same
 * offsets are committed again and again, a snapshot leaves less to replay: the goal is for that
 * case.
 */
async function measureCommits(bench: Bench, groupCount: number): Promise<Row[]> {
  const offsets = groupCount * PARTITIONS;
  const what = `${COMMITS} commits of ${offsets} offsets, ${PARTITIONS} a request`;
  const rate = new Row(SECTION, `${what}: partitions`, "1/s", { kind: "least", value: 50_000 });
  const goal = offsets < COMMITS ? ({ kind: "most", value: 1_000 } as const) : null;
  const replay = new Row(SECTION, "  kill -9, start to first OffsetFetch", "ms", goal);
  const job = {
    topic: TOPIC,
    groups: groupCount,
    partitions: PARTITIONS,
    connections: 4,
    window: 8,
    requests: COMMITS / PARTITIONS,
  };
  await withBrokers(bench, "always", async (brokers) => {
    for (const { target, server, directory } of brokers) {
      const connection = await connected(server);
      await createTopic(connection, TOPIC, PARTITIONS);
      connection.close();
      rate.add(target.name, (await loadCommits(server, job)).partitionsPerSecond);
      await server.kill();
      const again = await target.start(directory, "always");
      const lastRequest = job.requests - 1;
      const expected = 1 + Math.floor(lastRequest / groupCount);
      await firstOffset(again, `bench-commits-${lastRequest % groupCount}`, expected);
      replay.add(target.name, performance.now() - again.startedMs);
      await again.kill();
    }
  });
  return [rate, replay];
}

/** Resolves when the group's coordinator returns the committed offset of partition 0. */
async function firstOffset(
  server: ServerProcess,
  groupId: string,
  expected: number,
): Promise<void> {
  const connection = await connected(server);
  const topics = [{ name: TOPIC, partitionIndexes: [0] }];
  for (;;) {
    const answer = await connection.request(OffsetFetch, 8, { groups: [{ groupId, topics }] });
    const [group] = answer.groups;
    if (group!.errorCode === ErrorCode.NONE) {
      const { committedOffset } = group!.topics[0]!.partitions[0]!;
      if (committedOffset !== expected)
        throw new Error(`The committed offset is ${committedOffset}, not ${expected}`);
      return connection.close();
    }
    if (!errorOf(group!.errorCode).retriable)
      throw new Error(`OffsetFetch was answered with error ${group!.errorCode}`);
    await sleep(RETRY_MS);
  }
}
