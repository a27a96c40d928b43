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
  const node = new ClusterNode({
    nodeId: 1,
    port,
    raftAddress,
    dataDirectory: join(await temporaryDirectory(), "broker-1"),
    flags: ["--cluster-peers", `${raftAddress},127.0.0.1:${other}`, ...engineFlags],
    env: engineEnv,
    startLimitMs: 60_000,
  });
  onTestFinished(() => node.kill9());
  const started = node.start();
  const ended = expect(started).rejects.toThrow("ended with 0 before it was ready");
  const output = () => node.broker.output;
  await expect.poll(output, { timeout: WAITS_LIMIT_MS }).toContain("waiting for a majority");
  expect(await node.stop()).toBe(0);
  await ended;
  await node.expectGone();
  expect(output()).toContain("stopped before it served");
});
