import { spawn } from "node:child_process";
import { once } from "node:events";
import { Admin, Client } from "@tarpan/client";
import { AlterPartitionReassignments, DescribeQuorum } from "@tarpan/protocol";
import { expect, onTestFinished } from "vitest";
import { tarpanProgram } from "../harness/broker-process.ts";
import type { Cluster } from "../harness/cluster.ts";
import type { ClusterNode } from "../harness/cluster-node.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { succeed } from "../harness/run.ts";
import { RecordedRun } from "./load/recorded-run.ts";

// Brokers are added and removed under load.

const MOVE_LIMIT_MS = 60_000;
const REASSIGN_VERSION = 1;
const QUORUM_VERSION = 2;
/** The flags of brokers for these tests: few partitions of groups have to move. */
export const membershipFlags = ["--kafka", "offsets.topic.num.partitions=3"];

/** A fourth broker joins, gets partitions, and is removed. */
export async function comesAndGoes(cluster: Cluster): Promise<void> {
  const run = await RecordedRun.begin({
    bootstrap: cluster.bootstrap,
    topic: "moving",
    replicas: 3,
  });
  const fourth = await cluster.add();
  const admin = adminOf(cluster.bootstrap);
  await admin.createTopic({ name: "on-four", partitions: 4, replicas: 3 });
  expect(await replicasOf(admin, "on-four")).toContain(fourth.nodeId);

  const replicas = [fourth.nodeId, 1, 2];
  await reassign(fourth, "moving", 0, replicas);
  const moved = async () => (await admin.describeTopic("moving")).partitions[0];
  await expect.poll(moved, { timeout: MOVE_LIMIT_MS }).toMatchObject({
    replicas,
    inSyncReplicas: expect.arrayContaining(replicas),
  });
  // The leader stays, because it still has a replica: an election is another request.
  expect(replicas).toContain((await moved())!.leader);
  await run.progress();
  const status = () => statusText(cluster.node(0));
  // What the engine says is looked up now and then.
  const engine = /^engine jetstream, .*, max_payload 8388608, up to 4 replicas$/m;
  await expect.poll(status, { timeout: MOVE_LIMIT_MS }).toMatch(engine);
  const before = await status();
  expect(before).toMatch(/^4 .* alive/m);
  expect(before).toMatch(/^moving +0 +\d +[-\d]+ +4,1,2 +[\d,]+ +\d+$/m);

  const removal = new Removal(fourth.nodeId, cluster.node(0));
  await removal.said(/broker 4 holds no replicas any more: stop it now/);
  expect(await replicasOf(admin, "moving")).not.toContain(fourth.nodeId);
  await run.progress();
  expect(await fourth.stop()).toBe(0);
  expect(await removal.done).toBe(
    "broker 4 was removed from the cluster; stop it if it still runs\n",
  );
  await isForgotten(cluster, fourth);
  // If it is started again, it is refused and leaves nothing behind.
  const removed = /ended with 78 .*broker 4 was removed from its cluster.*: delete .*broker-4/s;
  await expect(fourth.start()).rejects.toThrow(removed);
  await isForgotten(cluster, fourth);
  await expect(fourth.start()).rejects.toThrow(removed);
  await run.finish();
  cluster.forget(fourth);
}

/** A new broker replaces the controller, which is dead, and gets a replica of the metadata. */
export async function takesTheDeadOnesPlace(cluster: Cluster): Promise<void> {
  const run = await RecordedRun.begin({
    bootstrap: cluster.bootstrap,
    topic: "replaced",
    replicas: 3,
  });
  const { controllerId } = await cluster.node(0).status();
  const dead = cluster.byId(controllerId);
  const fresh = await cluster.add();
  await dead.kill9();
  await cluster.settled();
  const removal = new Removal(dead.nodeId, fresh);
  await removal.done;
  await isForgotten(cluster, dead);
  const admin = adminOf([fresh.bootstrap]);
  expect(await replicasOf(admin, "replaced")).toContain(fresh.nodeId);
  await run.progress();
  // Everything has three replicas again, so any broker may restart.
  const metadata = async () => metadataVoters(fresh);
  await expect.poll(metadata, { timeout: MOVE_LIMIT_MS }).toContain(fresh.nodeId);
  await cluster.byId((await fresh.status()).controllerId).restart();
  await cluster.settled();
  await run.finish();
  cluster.forget(dead);
}

/** Checks that neither the metadata nor the engine knows the broker any more. */
async function isForgotten(cluster: Cluster, node: ClusterNode): Promise<void> {
  for (const other of cluster.nodes.filter(({ running }) => running)) {
    const known = async () => (await other.status()).brokers.map(({ nodeId }) => nodeId);
    await expect.poll(known).not.toContain(node.nodeId);
    const servers = async () =>
      ((await other.status()).engine as { replicasMax: number }).replicasMax;
    await expect.poll(servers, { timeout: MOVE_LIMIT_MS }).toBe(3);
    const text = await statusText(other, "--internal");
    const row = new RegExp(`^\\S+ +\\d+ .* (\\d+,)*${node.nodeId}(,\\d+)* `, "m");
    expect(text).not.toMatch(row);
  }
}

function statusText({ bootstrap }: ClusterNode, ...flags: string[]): Promise<string> {
  const argv = [tarpanProgram, "cluster", "status", "--bootstrap", bootstrap, ...flags];
  return succeed(process.execPath, argv);
}

function adminOf(bootstrap: readonly string[]): Admin {
  const client = new Client({ bootstrap });
  onTestFinished(() => client.close());
  return new Admin(client);
}

async function replicasOf(admin: Admin, topic: string): Promise<number[]> {
  const { partitions } = await admin.describeTopic(topic);
  return [...new Set(partitions.flatMap(({ replicas }) => replicas))];
}

/** The ids of brokers that have a replica of the metadata. */
async function metadataVoters({ broker }: ClusterNode): Promise<number[]> {
  const connection = await RawConnection.open(broker.port, broker.host);
  const { topics } = await connection.request(DescribeQuorum, QUORUM_VERSION, {
    topics: [{ topicName: "__cluster_metadata", partitions: [{ partitionIndex: 0 }] }],
  });
  connection.close();
  return topics[0]!.partitions[0]!.currentVoters.map(({ replicaId }) => replicaId);
}

/** Retries if the broker closes the connection, as an isolated broker does. */
async function reassign(
  { broker }: ClusterNode,
  name: string,
  partitionIndex: number,
  replicas: number[],
): Promise<void> {
  const topics = [{ name, partitions: [{ partitionIndex, replicas }] }];
  const asked = async () => {
    const connection = await RawConnection.open(broker.port, broker.host);
    const request = connection.request(AlterPartitionReassignments, REASSIGN_VERSION, { topics });
    return request.finally(() => connection.close());
  };
  await expect
    .poll(() => asked().catch(String), { timeout: MOVE_LIMIT_MS })
    .toMatchObject({
      errorCode: 0,
      responses: [{ partitions: [{ errorCode: 0, errorMessage: null }] }],
    });
}

/** `tarpan cluster remove`, which goes on until the broker has left. */
class Removal {
  /** Its standard output, once it has succeeded. */
  readonly done: Promise<string>;
  readonly #said: Promise<never>;
  readonly #waiting = new Set<() => void>();
  #stderr = "";

  constructor(nodeId: number, asked: ClusterNode) {
    const argv = [tarpanProgram, "cluster", "remove", "--node-id", String(nodeId)];
    const child = spawn(process.execPath, [...argv, "--bootstrap", asked.bootstrap]);
    onTestFinished(() => void child.kill("SIGKILL"));
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
      for (const check of this.#waiting) check();
    });
    this.done = once(child, "close").then(([code]) => {
      if (code === 0) return stdout;
      throw new Error(`cluster remove ended with ${code}:\n${this.#stderr}`);
    });
    this.#said = this.done.then(() => {
      throw new Error(`cluster remove ended; it said:\n${this.#stderr}`);
    });
    this.#said.catch(() => {});
  }

  async said(pattern: RegExp): Promise<void> {
    const found = new Promise<void>((resolve) => {
      const check = () => {
        if (pattern.test(this.#stderr)) resolve();
      };
      this.#waiting.add(check);
      check();
    });
    await Promise.race([found, this.#said]);
  }
}
