import { setImmediate as turn } from "node:timers/promises";
import { ErrorCode } from "@tarpan/protocol";
import { expect, test } from "vitest";
import type { Env } from "../../src/env/env.ts";
import { MemoryEngine } from "../../src/log/memory.ts";
import { silentLogger } from "../../src/logging/logger.ts";
import { Partition } from "../../src/partition/partition.ts";
import { Partitions } from "../../src/partition/partitions.ts";
import { StandaloneHost } from "../../src/partition/standalone-host.ts";
import { ManualTime } from "../env/manual-time.ts";
import { headerOf, producerBatch } from "./batches.ts";
import { CLEANING, SETTINGS } from "./settings.ts";

const DAY_MS = 86_400_000;
const ID = { topic: "orders", topicId: "id", partition: 0 };

/** A partition that has seen one producer. */
async function withProducer() {
  const time = new ManualTime();
  const engine = new MemoryEngine({ clock: time });
  const host = new StandaloneHost(engine, silentLogger);
  const env = { clock: time, timers: time } as unknown as Env;
  const partitions = new Partitions(host, env, silentLogger, {
    nodeId: 1,
    producerExpirationMs: () => DAY_MS,
    retentionTimes: () => ({ logInitialTaskDelayMs: DAY_MS, logRetentionCheckIntervalMs: DAY_MS }),
    ...CLEANING,
    newLogSettings: () => SETTINGS,
    leadership: () => ({ isExpired: false, refusal: () => ErrorCode.NOT_LEADER_OR_FOLLOWER }),
  });
  await partitions.createLogs([{ id: ID, replicas: [1] }]);
  partitions.start();
  partitions.host([{ id: ID, leaderEpoch: 0, settings: SETTINGS }]);
  const partition = partitions.find("orders", 0) as Partition;
  expect(partition).toBeInstanceOf(Partition);
  const batch = producerBatch(0);
  await partition.append(batch, headerOf(batch), time.wallMs());
  /** Maintenance is done only at the end. */
  const pass = async (ms: number) => {
    time.skip(ms);
    time.advance(0);
    await turn();
  };
  return { time, partition, pass };
}

test("a producer that was idle for producer.id.expiration.ms is forgotten", async () => {
  const { partition, pass } = await withProducer();
  await pass(DAY_MS - 10_000);
  expect(partition.producerCount).toBe(1);
  await pass(20_000);
  expect(partition.producerCount).toBe(0);
});

test("a jump of the wall clock does not make it idle", async () => {
  const { time, partition, pass } = await withProducer();
  for (const days of [365, -365, 365]) {
    time.jumpWallTo(time.wallMs() + days * DAY_MS);
    await pass(10_000);
    expect(partition.producerCount).toBe(1);
  }
  await pass(DAY_MS);
  expect(partition.producerCount).toBe(0);
});
