import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { clusterIt, engineEnv, engineFlags } from "../harness/cluster-engine.ts";
import { ClusterNode } from "../harness/cluster-node.ts";
import { freePorts } from "../harness/free-ports.ts";
import { temporaryDirectory } from "../harness/temp.ts";

const WAITS_LIMIT_MS = 30_000;

clusterIt("a broker that waits for others stops as soon as it is told to", async () => {
  const [port, own, other] = (await freePorts(3)) as [number, number, number];
  const raftAddress = `127.0.0.1:${own}`;
  const directory = await temporaryDirectory();
  const logDirectory = join(directory, "logs");
  const node = new ClusterNode({
    nodeId: 1,
    port,
    raftAddress,
    dataDirectory: join(directory, "broker-1"),
    flags: [
      ...["--cluster-peers", `${raftAddress},127.0.0.1:${other}`],
      ...["--log-dir", logDirectory, ...engineFlags],
    ],
    env: engineEnv,
    startLimitMs: 60_000,
  });
  onTestFinished(() => node.kill9());
  const started = node.start();
  const ended = expect(started).rejects.toThrow("ended with 0 before it was ready");
  const output = () => node.broker.output;
  // The terminal shows it although the log is a file.
  const said = /waiting for a majority of the brokers: .*; log in (.*)\n/;
  await expect.poll(output, { timeout: WAITS_LIMIT_MS }).toMatch(said);
  const logFile = said.exec(output())![1]!;
  expect(logFile).toBe(join(logDirectory, "broker.log"));
  expect(await node.stop()).toBe(0);
  await ended;
  await node.expectGone();
  expect(await readFile(logFile, "utf8")).toContain("stopped before it was ready");
});
