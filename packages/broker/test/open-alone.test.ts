import { expect, it } from "vitest";
import type { Logger } from "../src/logging/logger.ts";
import { silentLogger } from "../src/logging/logger.ts";
import { openAlone } from "../src/open-alone.ts";
import type { BrokerSettings } from "../src/settings.ts";
import { aloneOnTheMachine, type TestEnv, testEnv } from "./env/test-env.ts";
import { batchOf } from "./log/batches.ts";

const settings: BrokerSettings = {
  ...{ nodeId: 1, bindAddress: "127.0.0.1", bindPort: 0, storage: "segment", cluster: null },
  ...{ dataDirectory: "/data", flush: { mode: "always" }, kafkaConfigs: {} },
};

async function open(env: TestEnv) {
  const lines: string[] = [];
  const say = (message: string) => void lines.push(message);
  const logger: Logger = { ...silentLogger, info: say, warn: say, error: say };
  const state = await openAlone(settings, { env, logger, nodeIdGiven: true });
  return { state, lines };
}

it("says after an unclean stop what was recovered, and nothing after an orderly one", async () => {
  const env = testEnv();
  const first = await open(env);
  expect(first.lines).toEqual([]);
  const { metadata, partitions } = first.state;
  await metadata.registerBroker({ host: "h", port: 1, rack: null, unclean: false });
  const topic = { name: "t", numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] };
  await metadata.createTopics([topic], { validateOnly: false });
  const partition = partitions.find("t", 0);
  if (typeof partition === "number") throw new Error(`no partition: ${partition}`);
  await partition.log.append(batchOf(1), 0);
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
