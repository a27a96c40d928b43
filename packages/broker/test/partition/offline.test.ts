import { setImmediate as turn } from "node:timers/promises";
import { ErrorCode } from "@tarpan/protocol";
import { expect, test } from "vitest";
import type { Env } from "../../src/env/env.ts";
import type { LogEngine } from "../../src/log/log-engine.ts";
import { LogError } from "../../src/log/log-error.ts";
import { silentLogger } from "../../src/logging/logger.ts";
import { Partitions } from "../../src/partition/partitions.ts";
import { ReplicatedHost } from "../../src/partition/replicated-host.ts";
import { StandaloneHost } from "../../src/partition/standalone-host.ts";
import { ManualTime } from "../env/manual-time.ts";
import { CLEANING, SETTINGS } from "./settings.ts";

const ID = { topic: "orders", topicId: "id", partition: 0 };
const MESSAGE = "orders-0 is offline: stream not found";

/** Hosts a partition whose log cannot be opened. */
async function hostLost({ shared }: { shared: boolean }) {
  const time = new ManualTime();
  const errors: string[] = [];
  const engine = {
    replication: shared ? {} : null,
    open: () => Promise.reject(new LogError("offline", "stream not found")),
    delete: () => Promise.resolve(),
  } as unknown as LogEngine;
  const logger = { ...silentLogger, error: (message: string) => void errors.push(message) };
  const env = { clock: time, timers: time } as unknown as Env;
  const host = shared ? new ReplicatedHost(engine, time) : new StandaloneHost(engine, logger);
  const partitions = new Partitions(host, env, logger, {
    nodeId: 1,
    producerExpirationMs: () => 86_400_000,
    retentionTimes: () => ({ logInitialTaskDelayMs: 30_000, logRetentionCheckIntervalMs: 300_000 }),
    ...CLEANING,
    newLogSettings: () => SETTINGS,
    leadership: () => ({ isExpired: false, refusal: () => ErrorCode.NOT_LEADER_OR_FOLLOWER }),
  });
  partitions.start();
  partitions.host([{ id: ID, leaderEpoch: 0, settings: SETTINGS }]);
  await turn();
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 100) {
      time.advance(100);
      await turn();
    }
  };
  return { partitions, errors, pass };
}

test("a standalone log that cannot be opened is logged as an error at once", async () => {
  const { errors, pass, partitions } = await hostLost({ shared: false });
  expect(errors).toEqual([MESSAGE]);
  await pass(20_000);
  expect(errors).toEqual([MESSAGE]);
  await partitions.close();
});

test("a replicated log that was deleted with its topic is not logged as an error", async () => {
  const { errors, pass, partitions } = await hostLost({ shared: true });
  await pass(1_000);
  partitions.remove("orders", "id");
  await pass(20_000);
  expect(errors).toEqual([]);
  await partitions.close();
});

test("a replicated log that stays offline is logged as an error, once", async () => {
  const { errors, pass, partitions } = await hostLost({ shared: true });
  await pass(1_000);
  expect(errors).toEqual([]);
  await pass(20_000);
  expect(errors).toEqual([MESSAGE]);
  await partitions.close();
});
