// Time from the start to the first acknowledged record, of a process and of an embedded broker; the
// memory of an idle broker; and both with many partitions, after a stop and after a kill. The raw
// limit is a bare Node server that acks a write.

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ErrorCode, errorOf } from "@tarpan/protocol";
import { type Bench, type Section, withBrokers } from "../bench.ts";
import type { Connection } from "../connection.ts";
import { batchOf, produceErrorAt, produceRequest } from "../frames.ts";
import { runScript } from "../loads.ts";
import { Row } from "../report.ts";
import type { EmbeddedJob, EmbeddedResult } from "../servers/embedded.ts";
import type { ServerProcess } from "../targets/process.ts";
import { rawProduce } from "../targets/raw.ts";
import { connected, createTopic, type Target } from "../targets/target.ts";

const SECTION = "start and memory";
const TOPIC = "bench-000";
const MIB = 1024 * 1024;
const SETTLE_MS = 3000;
const RETRY_MS = 2;
const ACK_LIMIT_MS = 60_000;
/** The larger number only of this repository's broker: Kafka needs other limits of the system. */
const MANY = [
  { partitions: 1000, goalMs: 2000, targets: ["tarpan", "kafka"] },
  { partitions: 10_000, goalMs: 3000, targets: ["tarpan"] },
];
const PARTITIONS_PER_TOPIC = 100;

const { batch } = batchOf(1024, 1);
const errorAt = produceErrorAt(TOPIC);

export const startup: Section = {
  name: "startup",
  async measure(bench) {
    const start = await measureStart(bench);
    const embedded = await measureEmbedded(bench);
    const rows = [...start, ...embedded];
    for (const many of bench.quick ? MANY.slice(0, 1) : MANY) {
      rows.push(...(await measureManyPartitions(bench, many)));
    }
    return rows;
  },
};

async function measureStart(bench: Bench): Promise<Row[]> {
  const time = new Row(SECTION, "process start to first ack", "ms", { kind: "most", value: 200 });
  const memory = new Row(SECTION, "idle RSS", "MiB", { kind: "most", value: 70 });
  const rounds = bench.quick ? 3 : 7;
  for (let round = 0; round < rounds; round++) {
    await inNewDirectory(bench, async (directory) => {
      const file = join(directory, "raw");
      const job = { topic: TOPIC, batchBytes: batch.length, flush: "always", file } as const;
      const server = await rawProduce(job);
      const connection = await server.connect();
      await firstAck(connection);
      time.add("raw", performance.now() - server.startedMs);
      connection.close();
      if (round === 0) memory.add("raw", await settledMiB(server));
      await server.stop();
    });
    for (const target of bench.targets) {
      if (target.name === "kafka" && round >= 2) continue;
      await inNewDirectory(bench, async (directory) => {
        await target.prepare?.(directory);
        const server = await target.start(directory, "always");
        try {
          const connection = await connected(server);
          await createTopic(connection, TOPIC, 1);
          await firstAck(connection);
          time.add(target.name, performance.now() - server.startedMs);
          connection.close();
          if (round === 0) memory.add(target.name, await settledMiB(server));
        } finally {
          await server.stop();
        }
      });
    }
  }
  return [time, memory];
}

/** Retries as a client does: just after its start, Kafka answers that it does not lead yet. */
async function firstAck(connection: Connection): Promise<void> {
  const limitMs = performance.now() + ACK_LIMIT_MS;
  for (;;) {
    const answer = await connection.exchange(produceRequest(TOPIC, 0, batch, 0));
    const errorCode = answer.readInt16BE(errorAt);
    if (errorCode === ErrorCode.NONE) return;
    if (!errorOf(errorCode).retriable || performance.now() > limitMs)
      throw new Error(`Produce was answered with error ${errorCode}`);
    await sleep(RETRY_MS);
  }
}

async function settledMiB(server: ServerProcess): Promise<number> {
  await sleep(SETTLE_MS);
  return (await server.residentBytes()) / MIB;
}

async function inNewDirectory(bench: Bench, use: (directory: string) => Promise<void>) {
  const directory = await bench.newDirectory();
  try {
    await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function measureEmbedded(bench: Bench): Promise<Row[]> {
  const goal = { kind: "most", value: 30 } as const;
  const rows: Row[] = [];
  for (const storage of ["memory", "segment"] as const) {
    const kind = storage === "memory" ? "memory" : "data directory";
    const first = new Row(SECTION, `embedded, ${kind}: first start to first ack`, "ms", goal);
    const later = new Row(SECTION, `embedded, ${kind}: later starts`, "ms", goal);
    for (let round = 0; round < (bench.quick ? 2 : 5); round++) {
      await inNewDirectory(bench, async (directory) => {
        const job: EmbeddedJob = { storage, directory, starts: 6 };
        const { timesMs } = JSON.parse(await runScript("servers/embedded", job)) as EmbeddedResult;
        first.add("tarpan", timesMs[0]!);
        for (const timeMs of timesMs.slice(1)) later.add("tarpan", timeMs);
      });
    }
    rows.push(first, later);
  }
  return rows;
}

async function measureManyPartitions(
  bench: Bench,
  { partitions, goalMs, targets: names }: (typeof MANY)[number],
): Promise<Row[]> {
  const name = `${partitions} empty partitions`;
  const goal = { kind: "most", value: goalMs } as const;
  const time = new Row(SECTION, `${name}: start to ready`, "ms", goal);
  const afterKill = new Row(SECTION, `${name}: the same after a kill`, "ms", goal);
  const memory = new Row(SECTION, `${name}: RSS`, "MiB", { kind: "most", value: 150 });
  const targets = bench.targets.filter((target) => names.includes(target.name));
  await withBrokers({ ...bench, targets }, "always", async (brokers) => {
    for (const { target, server, directory } of brokers) {
      const connection = await connected(server);
      for (let i = 0; i < partitions / PARTITIONS_PER_TOPIC; i++)
        await createTopic(connection, `many-${i}`, PARTITIONS_PER_TOPIC);
      await createTopic(connection, TOPIC, 1);
      await firstAck(connection);
      connection.close();
      await server.stop();
      for (let round = 0; round < 3; round++) {
        const again = await restart(target, directory, time);
        if (round === 0) memory.add(target.name, await settledMiB(again));
        await again.kill();
        await (await restart(target, directory, afterKill)).stop();
      }
    }
  });
  return [time, afterKill, memory];
}

/** A broker is ready when it acknowledges a record on one of its old partitions. */
async function restart(target: Target, directory: string, time: Row): Promise<ServerProcess> {
  const server = await target.start(directory, "always");
  const connection = await connected(server);
  await createTopic(connection, TOPIC, 1);
  await firstAck(connection);
  time.add(target.name, performance.now() - server.startedMs);
  connection.close();
  return server;
}
