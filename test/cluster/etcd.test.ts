import { join } from "node:path";
import { Admin, Client } from "@tarpan/client";
import { afterAll, beforeAll, expect } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { engineEnv, engineFlags, hasEngine } from "../harness/cluster-engine.ts";
import { EtcdProcess, etcd } from "../harness/cluster-etcd.ts";
import type { ClusterStatus } from "../harness/cluster-node.ts";
import { remaining } from "../harness/cluster-processes.ts";
import { freePorts } from "../harness/free-ports.ts";
import { temporaryDirectory } from "../harness/temp.ts";
import { AWAY_MS, limitMs } from "./chaos.ts";
import { pause } from "./load/load.ts";
import { RecordedRun } from "./load/recorded-run.ts";

// The walkthrough of the usage guide, command by command, and the same cluster without etcd.

const START_LIMIT_MS = 60_000;
const server = new EtcdProcess();
const brokers: BrokerProcess[] = [];
let root = "";

beforeAll(async () => {
  if (etcd.path === "" || !hasEngine) return;
  root = await temporaryDirectory();
  await server.start();
});

afterAll(async () => {
  await Promise.all(brokers.map((broker) => broker.kill9()));
  await server.kill9();
  if (root !== "") expect(await remaining(root, 10_000)).toEqual([]);
});

/** `broker1` and so on, as in the guide except for the ports. */
async function guideBroker(number: number): Promise<BrokerProcess> {
  const [port, raftPort] = (await freePorts(2)) as [number, number];
  const dataDirectory = join(root, `data/broker${number}`);
  const broker = new BrokerProcess({
    port,
    dataDirectory,
    env: engineEnv,
    startLimitMs: START_LIMIT_MS,
    commandLine: [
      `-node-id=broker${number}`,
      "-bind-addr=127.0.0.1",
      `-bind-port=${port}`,
      `-raft-addr=127.0.0.1:${raftPort}`,
      `-data-dir=${dataDirectory}`,
      `-log-dir=${dataDirectory}/logs`,
      "-discovery-type=etcd",
      `-discovery-endpoints=${server.endpoint}`,
      ...engineFlags,
      ...(number === 3 ? ["-enable-follower-read"] : []),
    ],
  });
  brokers.push(broker);
  return broker;
}

async function statusOf(broker: BrokerProcess): Promise<ClusterStatus> {
  const answer = await fetch(`http://${broker.bootstrap}/cluster/status`);
  return (await answer.json()) as ClusterStatus;
}

/** Resolves once every broker reports this many unfenced brokers. */
async function allSee(count: number): Promise<void> {
  for (const broker of brokers) {
    const alive = async () =>
      (await statusOf(broker)).brokers.filter(({ fenced }) => fenced !== true).length;
    await expect.poll(alive, { timeout: START_LIMIT_MS }).toBe(count);
  }
}

etcd.it(
  "forms a cluster by the guide's commands, goes on without etcd, and takes a fourth broker",
  async (context) => {
    if (!hasEngine) return context.skip("there is no nats-server");
    const three = [await guideBroker(1), await guideBroker(2), await guideBroker(3)];
    await Promise.all(three.map((broker) => broker.start()));
    await allSee(3);
    const bootstrap = three.map((broker) => broker.bootstrap);
    const run = await RecordedRun.begin({ bootstrap, topic: "without-etcd", replicas: 3 });

    await server.kill9();
    await Promise.all([run.progress(), pause(AWAY_MS)]);
    await run.progress();
    // A broker that was a member restarts without etcd: it remembers the others' addresses.
    await brokers[2]!.restart();
    await run.progress();
    // A new broker has to wait for etcd.
    const fourth = await guideBroker(4);
    const started = fourth.start();
    let isReady = false;
    const ready = started.then(() => {
      isReady = true;
    });
    await run.progress();
    expect(isReady).toBe(false);

    await server.start();
    await ready;
    await allSee(4);
    await run.finish();
    await usesFourth(fourth);
  },
  limitMs(2),
);

/** The new broker gets replicas of a new topic, and leads some of its partitions. */
async function usesFourth(fourth: BrokerProcess): Promise<void> {
  const { nodeId } = await statusOf(fourth);
  const client = new Client({ bootstrap: fourth.bootstrap });
  const admin = new Admin(client);
  await admin.createTopic({ name: "on-four", partitions: 8, replicas: 3 });
  const leaders = async () =>
    (await admin.describeTopic("on-four")).partitions.map(({ leader }) => leader);
  await expect.poll(leaders, { timeout: START_LIMIT_MS }).toContain(nodeId);
  const { partitions } = await admin.describeTopic("on-four");
  expect(partitions.flatMap(({ replicas }) => replicas)).toContain(nodeId);
  await client.close();
}
