import { ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import type { BrokerSettings } from "../../src/config/settings.ts";
import type { Logger } from "../../src/logging/logger.ts";
import { silentLogger } from "../../src/logging/logger.ts";
import { MAINTENANCE_INTERVAL_MS } from "../../src/partition/limits.ts";
import type { Partition } from "../../src/partition/partition.ts";
import type { BrokerState } from "../../src/runtime/broker-state.ts";
import { openStandalone } from "../../src/runtime/standalone.ts";
import { osError } from "../env/memory-files.ts";
import { aloneOnTheMachine, type TestEnv, testEnv } from "../env/test-env.ts";
import { batchOf } from "../log/batches.ts";
import { createTopics } from "../metadata/ask.ts";

const settings: BrokerSettings = {
  ...{ nodeId: 1, bindAddress: "127.0.0.1", bindPort: 0, storage: "segment", cluster: null },
  ...{ dataDirectory: "/data", flush: { mode: "always" }, kafkaConfigs: {} },
};

async function open(env: TestEnv) {
  const lines: string[] = [];
  const say = (message: string) => void lines.push(message);
  const logger: Logger = { ...silentLogger, info: say, warn: say, error: say };
  const state = await openStandalone(settings, { env, logger, nodeIdGiven: true });
  const { unclean } = state;
  await state.metadata.registerBroker({ host: "h", port: 1, rack: null, unclean });
  return { state, lines };
}

function topicOf(numPartitions: number) {
  return { name: "t", numPartitions, replicationFactor: 1, assignments: [], configs: [] };
}

function partitionOf({ partitions }: BrokerState): Partition {
  const partition = partitions.find("t", 0);
  if (typeof partition === "number") throw new Error(`no partition: ${partition}`);
  return partition;
}

it("logs after an unclean stop what was recovered, and nothing after an orderly one", async () => {
  const env = testEnv();
  const first = await open(env);
  expect(first.lines).toEqual([]);
  const { metadata } = first.state;
  await createTopics(metadata, [topicOf(2)]);
  await partitionOf(first.state).log.append(batchOf(1), 0);
  const logs = env.fs.paths().filter((path) => path.endsWith(".log"));
  const written = logs.reduce((sum, path) => sum + env.fs.contentOf(path).length, 0);

  const killed = await open({ ...env, processes: aloneOnTheMachine() });
  expect(killed.lines).toEqual([
    `recovered 3 logs after an unclean stop: checked ${written} bytes in 2 of them, ` +
      "cut off 0 bytes of unfinished writes, took 0 ms",
  ]);
  await killed.state.close();
  const orderly = await open({ ...env, processes: aloneOnTheMachine() });
  expect(orderly.lines).toEqual([]);
  await orderly.state.close();
});

it("reopens a partition whose log could be opened but not read", async () => {
  const env = testEnv();
  const first = await open(env);
  await createTopics(first.state.metadata, [topicOf(1)]);
  const partition = partitionOf(first.state);
  await partition.log.append(batchOf(1), 0);
  env.fs.fault = (operation, path) => {
    // The log reads its end when it is opened; the partition reads its own state later.
    if (operation === "read" && path.endsWith("tarpan.state")) throw osError("EMFILE", path);
  };
  await partition.checkpoint();
  const again = { ...env, processes: aloneOnTheMachine() };
  const opening = open(again);
  let isOpen = false;
  void opening.finally(() => {
    isOpen = true;
  });
  while (!isOpen) {
    env.time.advance(250);
    await new Promise(setImmediate);
  }
  const { state, lines } = await opening;
  expect(state.partitions.find("t", 0)).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  expect(lines.join()).toContain("t-0 is offline: log t-0: cannot read the saved state: too many");
  env.fs.fault = () => {};
  env.time.advance(MAINTENANCE_INTERVAL_MS);
  while (typeof state.partitions.find("t", 0) === "number") await new Promise(setImmediate);
  await state.close();
});

it("stops on a full disk", async () => {
  const env = testEnv();
  const { state } = await open(env);
  await createTopics(state.metadata, [topicOf(1)]);
  await partitionOf(state).log.append(batchOf(1), 0);
  env.fs.fault = (operation, path) => {
    if (operation === "write") throw osError("ENOSPC", path);
  };
  await state.close();
  env.fs.fault = () => {};
  const again = await open({ ...env, processes: aloneOnTheMachine() });
  expect(partitionOf(again.state).log.endOffset).toBe(1);
  await again.state.close();
});

it("refuses a topic if its log's directory exists, and changes nothing there", async () => {
  const env = testEnv();
  const { state, lines } = await open(env);
  await env.fs.makeDirectory("/data/t-1");
  await (await env.fs.open("/data/t-1/meta.properties", { create: true })).close();
  const [refused] = await createTopics(state.metadata, [topicOf(2)]);
  expect(refused).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR });
  expect(lines.join()).toContain("/data/t-1 exists and contains meta.properties");
  expect(env.fs.paths()).toContain("/data/t-1/meta.properties");
  expect(env.fs.paths()).not.toContain("/data/t-0");
  expect(state.partitions.find("t", 0)).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  await state.close();
});
