// Three real nats-servers: elections, a killed leader, replicas that move.
import { headers, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { nodeEnv } from "../../../src/env/node-env.ts";
import { JetStreamEngine } from "../../../src/log/jetstream/engine.ts";
import { NatsTransport } from "../../../src/log/jetstream/nats-transport.ts";
import type { LogId } from "../../../src/log/log.ts";
import type { LeaderLog, ReplicaStates } from "../../../src/log/replication.ts";
import { baseOffsetOf, batchOf, OPTIONS, readAll } from "../batches.ts";
import { type NatsServers, NO_SERVER, natsServerPath, startNatsServers } from "./nats-servers.ts";

const path = natsServerPath();

describe("jetstream on a cluster", () => {
  let servers: NatsServers;
  let connection: NatsConnection;
  let engine: JetStreamEngine;
  let ids = 0;
  beforeAll(async () => {
    if (!path) return;
    servers = await startNatsServers(path, 3);
    connection = await servers.connect();
    engine = newEngine();
  });
  afterAll(async () => {
    await engine?.close();
    await connection?.close();
    await servers?.stop();
  });
  beforeEach((context) => {
    if (!path) context.skip(NO_SERVER);
  });

  function newEngine(): JetStreamEngine {
    const transport = new NatsTransport(connection, nodeEnv);
    return new JetStreamEngine({ transport, env: nodeEnv, placement: servers.placement });
  }

  async function provisioned(replicas: readonly number[]): Promise<LogId> {
    const id = { topic: "orders", topicId: `topic${++ids}`, partition: 0 };
    await engine.replication.provision(id, { ...OPTIONS, replicas });
    return id;
  }

  /** Unlike STREAM.LIST, which `states` uses, this does not wait for servers that are down. */
  async function raftLeaderOf(id: LogId): Promise<number | null> {
    const subject = `$JS.API.STREAM.INFO.tarpan-p-${id.topicId}-0`;
    const reply = await connection.request(subject, "", { timeout: 500 }).catch(() => null);
    const info = reply?.json<{ cluster?: { leader?: string } }>();
    return info?.cluster?.leader ? servers.placement!.brokerOf(info.cluster.leader) : null;
  }

  /** Empty during an election. */
  async function stateOf(id: LogId): Promise<ReplicaStates> {
    const states = await engine.replication.states();
    const found = states.find((state) => state.id.topicId === id.topicId);
    return found ?? { id, raftLeader: null, sizeBytes: 0, replicas: [] };
  }

  /** Polls until the condition holds, without a deadline of its own. */
  async function until(isSo: () => Promise<boolean>): Promise<void> {
    while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 100));
  }

  async function appendWhile(log: LeaderLog, work: () => Promise<unknown>): Promise<number> {
    let isOver = false;
    const working = work().finally(() => {
      isOver = true;
    });
    const appends: Promise<number>[] = [];
    while (!isOver) {
      for (let i = 0; i < 10; i++) appends.push(log.append(batchOf(appends.length), 0));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await working;
    const offsets = await Promise.all(appends);
    expect(offsets).toEqual(offsets.map((_, i) => i));
    return offsets.length;
  }

  async function expectDense(id: LogId, count: number): Promise<void> {
    const reader = await newEngine().replication.follow(id, OPTIONS);
    const offsets = (await readAll(reader)).map(baseOffsetOf);
    expect(offsets).toEqual([...Array(count).keys()]);
    await reader.close();
  }

  it("keeps appending while the Raft leader moves from broker to broker", async () => {
    const id = await provisioned([1, 2, 3]);
    const log = await engine.replication.lead(id, OPTIONS);
    const count = await appendWhile(log, async () => {
      for (const brokerId of [1, 2, 3, 3]) {
        await engine.replication.moveRaftLeader(id, brokerId);
        await until(async () => (await raftLeaderOf(id)) === brokerId);
      }
    });
    await log.close();
    await expectDense(id, count);
    expect(await stateOf(id)).toMatchObject({ raftLeader: 3 });
  });

  it("keeps appending after the Raft leader was killed", async () => {
    const id = await provisioned([1, 2, 3]);
    const log = await engine.replication.lead(id, OPTIONS);
    let victim = 0;
    const count = await appendWhile(log, async () => {
      victim = (await raftLeaderOf(id))!;
      await servers.kill(victim);
      await until(async () => ![null, victim].includes(await raftLeaderOf(id)));
    });
    await servers.start(victim);
    await log.close();
    await expectDense(id, count);
    await until(async () => (await stateOf(id)).replicas.every(({ current }) => current));
  }, 60_000);

  it("reads nothing that a former leader wrote later, even if JetStream stored it", async () => {
    const id = await provisioned([1, 2, 3]);
    const former = await newEngine().replication.lead(id, OPTIONS);
    await former.append(batchOf(1), 0);
    const log = await engine.replication.lead(id, OPTIONS);
    // Like a second message in flight, after one whose sequence the marker took.
    const hdrs = headers();
    hdrs.set("Nats-Expected-Last-Sequence", "3");
    hdrs.set("Nats-Msg-Id", "former.2.3.3");
    const subject = `tarpan.p.${id.topicId}.0`;
    const reply = await connection.request(subject, batchOf(66), { headers: hdrs, timeout: 5000 });
    expect(reply.json()).toMatchObject({ seq: 4 });
    expect(await log.append(batchOf(2), 1)).toBe(1);
    await expect(former.append(batchOf(3), 0)).rejects.toMatchObject({ kind: "fenced" });
    await expectDense(id, 2);
  });

  it("places replicas on exactly the given brokers, and moves them", async () => {
    const brokersOf = async (id: LogId) =>
      (await stateOf(id)).replicas.map(({ brokerId }) => brokerId).sort();
    const id = await provisioned([1, 3]);
    expect(await brokersOf(id)).toEqual([1, 3]);
    const log = await engine.replication.lead(id, OPTIONS);
    await log.append(batchOf(1), 0);
    for (const replicas of [[2, 3], [2], [1, 2, 3], [1, 2]]) {
      await until(() =>
        engine.replication.moveReplicas(id, replicas).then(
          () => true,
          (error: { kind: string }) => {
            expect(error.kind).toBe("busy");
            return false;
          },
        ),
      );
      await until(async () => (await brokersOf(id)).join() === replicas.join());
    }
    expect(await log.append(batchOf(2), 0)).toBe(1);
    await log.close();
    await expectDense(id, 2);
  }, 60_000);

  it("creates many logs quickly, lists them, and sets one aside", async () => {
    const made = await Promise.all(Array.from({ length: 24 }, () => provisioned([1, 2, 3])));
    const listed = await engine.list();
    for (const id of made) expect(listed).toContainEqual(id);
    const [first] = made as [LogId];
    await engine.setAside(first);
    expect(await engine.list()).not.toContainEqual(first);
    await expect(engine.open(first, OPTIONS)).rejects.toMatchObject({ kind: "missing" });
    await Promise.all(made.map((id) => engine.delete(id)));
  }, 60_000);
});
